"""Telling, for those who may not know the database, an outage from a bug."""

from cloud.db.outage import is_outage

__all__ = ["is_outage"]
