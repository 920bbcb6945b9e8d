"""Archives: zips of pictures and texts that are made, kept for a while, handed out, and read back."""
