"""How much an entry of the audit log weighs."""

from collections.abc import Sequence
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look, from never to now, in four of syslog's words (RFC 5424).

    - informational: everyday work, which nobody has to look at.
    - notice: it changed what somebody may do, what is kept, or how the organisation is guarded.
    - warning: something was refused, failed, or is guarded less than before; look when it repeats.
    - alert: evidence or a content is not what it was, or a last resort was used; look now.
    """

    INFORMATIONAL = "informational"
    NOTICE = "notice"
    WARNING = "warning"
    ALERT = "alert"

    def and_above(self) -> Sequence["Severity"]:
        """This one and all that weigh more."""
        rising = list(Severity)
        return rising[rising.index(self) :]
