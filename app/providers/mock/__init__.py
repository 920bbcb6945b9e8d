"""Placeholders, for when no provider is configured: deterministic, free, and labelled as what they are."""
