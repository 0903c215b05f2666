"""The road to the sites: certificates, enrolment, the MQTT link, publishing desired state, taking in reports."""
