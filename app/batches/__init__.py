"""Many generations asked for at once, of any product."""
