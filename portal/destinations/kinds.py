"""What a destination can be, and what it can get."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from portal.audit.export import Form


class Kind(StrEnum):
    """By which way things go there."""

    MAIL = "mail"
    SYSLOG = "syslog"
    WEBHOOK = "webhook"
    OBJECT_STORE = "object-store"


class Rhythm(StrEnum):
    """How often a destination gets the newest checkpoint, where there is another one."""

    NEVER = "never"
    EACH = "each"
    HOURLY = "hourly"
    DAILY = "daily"


INTERVALS: Mapping[str, timedelta] = {
    Rhythm.EACH: timedelta(),
    Rhythm.HOURLY: timedelta(hours=1),
    Rhythm.DAILY: timedelta(days=1),
}

# A mail for each would be one every ten seconds.
RHYTHMS = {
    Kind.MAIL: (Rhythm.HOURLY, Rhythm.DAILY, Rhythm.NEVER),
    Kind.SYSLOG: (Rhythm.EACH, Rhythm.HOURLY, Rhythm.DAILY, Rhythm.NEVER),
    Kind.WEBHOOK: (Rhythm.EACH, Rhythm.HOURLY, Rhythm.DAILY, Rhythm.NEVER),
    Kind.OBJECT_STORE: (Rhythm.EACH, Rhythm.HOURLY, Rhythm.DAILY),
}
STREAMED_AS = (Form.OCSF, Form.CEF, Form.JSON_LINES)
TAKE_ENTRIES = frozenset({Kind.SYSLOG, Kind.WEBHOOK})
TAKE_ALERTS = frozenset({Kind.MAIL, Kind.SYSLOG, Kind.WEBHOOK})
