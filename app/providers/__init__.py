"""The models that make pictures: their port, and one adapter a vendor."""
