"""The road to the router: the only home of librouteros."""
