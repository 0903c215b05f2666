"""The tests and the story against Debian's own servers."""
