"""Regen: a GraphQL server for AI images that are made, regenerated and compared."""
