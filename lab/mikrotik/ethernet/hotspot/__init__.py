"""The hotspot: hosts it sees, logins, cookies, bindings, the walled garden."""
