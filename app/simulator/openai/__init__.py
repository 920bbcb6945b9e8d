"""OpenAI's wire format: images, responses and models."""
