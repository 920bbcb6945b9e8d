"""Diagnostics: an administrator sees each provider, and each way through the product, really work, or why not."""
