"""The adapters of many processes: streaq on Redis Streams, events by Redis pub/sub."""
