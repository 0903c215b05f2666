"""The use cases: one verb, one transaction."""
