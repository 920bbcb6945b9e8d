"""Saved prompts with places to fill in."""
