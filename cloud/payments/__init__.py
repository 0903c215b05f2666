"""The rails that money comes in by, and the spool that holds their callbacks when the database is gone."""
