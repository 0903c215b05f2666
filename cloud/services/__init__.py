"""The use cases: one verb, one transaction; the caller opens it and gives `now`."""
