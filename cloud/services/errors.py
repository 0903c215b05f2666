"""Why a verb was refused; each has a stable code, and its message says what is wrong and what to do.

Refusal
├── Forbidden      the token is valid and may not do this
├── NotFound       nothing of that id at this tenant
├── AlreadyExists  the name, number or phone is taken
├── Invalid        a value breaks a rule
├── WrongState     the verb does not fit where the thing stands
└── PoolExhausted  the site's address pool has no free address left
"""

from typing import ClassVar

from cloud.services.roles import Scope


class Refusal(Exception):
    """An answer, not a failure: nothing was changed."""

    code: ClassVar[str] = "refused"


class Forbidden(Refusal):
    """The token is valid and may not do this."""

    code = "forbidden"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This token lacks the scope {scope}. Ask an owner for a role or token that has it.")


class NotFound(Refusal):
    """There is nothing of that id at this tenant."""

    code: ClassVar[str] = "not-found"


class AlreadyExists(Refusal):
    """The name, number or phone is taken."""

    code: ClassVar[str] = "already-exists"


class Invalid(Refusal):
    """A value breaks a rule."""

    code: ClassVar[str] = "invalid"


class WrongState(Refusal):
    """The verb does not fit where the thing stands."""

    code: ClassVar[str] = "wrong-state"


class PoolExhausted(Refusal):
    """The site's address pool has no free address left."""

    code: ClassVar[str] = "pool-exhausted"
