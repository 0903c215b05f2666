"""The rules of a site, pure: no clock, no socket, no file."""
