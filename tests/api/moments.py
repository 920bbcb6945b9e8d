"""Moments that clients name."""

BEYOND = ("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00")
"""They have a time zone, and are in no year that the database keeps."""
