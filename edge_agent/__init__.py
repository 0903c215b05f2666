"""One site: make the router match, and keep going when the cloud is silent."""
