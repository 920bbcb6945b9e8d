"""Basic processing on this machine, for when no provider is configured."""
