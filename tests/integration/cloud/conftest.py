"""Every test below runs on a real PostgreSQL."""

from tests.support.postgres import database, database_url, empty_database_url, postgres_url, template_database

__all__ = ["database", "database_url", "empty_database_url", "postgres_url", "template_database"]
