"""What the products share of versions and trees."""
