"""A refusal, in Daraja's shape: HTTP status, error code, error message."""


class Refusal(Exception):
    """Daraja answers no. `message` is the errorMessage, word for word."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(field: str, *, code: str = "400.002.02") -> Refusal:
    """The refusal that names a field; the C2B family has its own code, 400.003.02."""
    return Refusal(400, code, f"Bad Request - Invalid {field}")
