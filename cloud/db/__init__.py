"""Tables, queries, migrations, tenancy and secrets: the only home of SQLAlchemy."""
