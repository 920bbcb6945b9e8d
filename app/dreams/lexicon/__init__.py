"""A small reading of dreams on this machine: words that are known, counted."""
