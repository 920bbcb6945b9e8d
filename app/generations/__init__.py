"""The engine: durable pieces of asynchronous work, their events, and the queue that rings for them."""
