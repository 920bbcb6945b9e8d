"""Intake, storage and delivery of pictures."""
