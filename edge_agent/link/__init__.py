"""The road to the cloud: MQTT, enrolment, what came in and what must go out."""
