"""Product pictures of jewellery, and their regenerations."""
