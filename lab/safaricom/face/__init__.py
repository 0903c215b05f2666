"""Daraja's HTTP face: one module per family of endpoints, and the doorman before them."""
