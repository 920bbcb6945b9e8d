"""What is configured, what is reachable, what is missing and how to set it."""
