"""The providers' stand-in: OpenAI, Gemini and Cloudinary as their SDKs know them, on one port, without a key."""
