"""A new site: its router script and the seed its agent starts from."""
