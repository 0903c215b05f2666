"""The schema, a file per subject; importing this package loads every table into `metadata`."""

from cloud.db.tables import fleet, money, network, parties, records
from cloud.db.tables.base import metadata

__all__ = ["fleet", "metadata", "money", "network", "parties", "records"]
