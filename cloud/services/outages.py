"""Telling, for those who may not know the database, an outage from a collision from a bug."""

from cloud.db.failures import is_conflict, is_outage

__all__ = ["is_conflict", "is_outage"]
