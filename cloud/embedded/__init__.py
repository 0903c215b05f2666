"""The default PostgreSQL and MQTT broker, for a machine that has neither."""
