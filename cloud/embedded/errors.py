"""What stops the embedded parts from starting, in words for whoever runs the program."""


class EmbeddedError(Exception):
    """The embedded database or broker cannot run here; the message says why and what to do."""
