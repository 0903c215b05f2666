"""What can go wrong so that a person must know.

AgentError             says what is wrong and what to do
├── NotEnrolled        no identity in the data folder, or a certificate that ended
├── EnrolmentFailed    the cloud refused, or could not be trusted or reached
├── WrongSetting       a setting in the environment cannot be used
├── StoreTrouble       the data folder cannot be used
├── RouterUnreachable  an outage: tried again
└── RouterRefused      an answer: wrong credentials, missing policies, RouterOS too old
"""

from typing import ClassVar


class AgentError(Exception):
    """Two sentences for whoever reads the terminal or the console."""

    code: ClassVar[str] = "agent"

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class NotEnrolled(AgentError):
    """There is no identity to work under."""

    code: ClassVar[str] = "not-enrolled"


class EnrolmentFailed(AgentError):
    """No identity was given."""

    code: ClassVar[str] = "enrolment"


class WrongSetting(AgentError):
    """The environment says something that no setting can be."""

    code: ClassVar[str] = "setting"


class StoreTrouble(AgentError):
    """The disk does not do what it should."""

    code: ClassVar[str] = "store"


class RouterUnreachable(AgentError):
    """The router does not answer, or stopped in the middle."""

    code: ClassVar[str] = "unreachable"


class RouterRefused(AgentError):
    """The router answered, and will not have us."""

    code: ClassVar[str] = "refused"
