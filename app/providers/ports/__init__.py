"""What the products ask of a model, whoever makes it: one module a port."""
