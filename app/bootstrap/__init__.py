"""The composition root: the only place that picks, opens and closes implementations."""
