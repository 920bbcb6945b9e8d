"""Gemini's wire format: generateContent and models."""
