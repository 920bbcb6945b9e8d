"""`regen jobs`: what an operator sees of the generations of all owners, and does about them."""
