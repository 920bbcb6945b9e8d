"""What the products share of making pictures: a request goes to a model, what it makes is kept."""
