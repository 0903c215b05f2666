"""The REST API, and the webhooks of the payment rails."""
