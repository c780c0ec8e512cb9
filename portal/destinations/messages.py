"""What is sent to a destination, in the words that every way has a use for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from portal.audit.severity import Severity
from portal.audit.tlog.notes import Checkpoint
from portal.core import clock

JSON = "application/json"


class Event(StrEnum):
    """What a message is about."""

    CHECKPOINT = "checkpoint"
    ENTRIES = "entries"
    ALERT = "alert"
    TEST = "test"


class Record(NamedTuple):
    """A line for programs, and when what it tells of was."""

    line: str
    at: datetime
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Sent again, it has the same id, so that who gets it twice can tell.

    `title` and `text` are for people; `note` is a checkpoint as it was signed.
    """

    event: Event
    id: UUID
    records: Sequence[Record]
    media_type: str = JSON
    title: str = ""
    text: str = ""
    checkpoint: Checkpoint | None = None
    note: str = ""


def of_checkpoint(id_: UUID, checkpoint: Checkpoint, note: str) -> Message:
    """The newest checkpoint."""
    values = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "note": note,
    }
    return Message(
        event=Event.CHECKPOINT,
        id=id_,
        records=[_record(Event.CHECKPOINT, Severity.NOTICE, values)],
        title=f"Checkpoint of the audit log: {checkpoint.size} entries",
        text=f"{_KEEP}\n\n{note}",
        checkpoint=checkpoint,
        note=note,
    )


def of_alert(id_: UUID, title: str, values: Mapping[str, Any], severity: Severity) -> Message:
    """Something that somebody should look at."""
    facts = "\n".join(f"{name.replace('_', ' ').capitalize()}: {v}" for name, v in values.items())
    return Message(
        event=Event.ALERT,
        id=id_,
        records=[_record(Event.ALERT, severity, {"title": title, **values})],
        title=title,
        text=f"{title}\n\n{facts}\n",
    )


def of_test(id_: UUID) -> Message:
    """Something that tells nothing, to see whether it arrives."""
    return Message(
        event=Event.TEST,
        id=id_,
        records=[_record(Event.TEST, Severity.INFORMATIONAL, {"title": _TEST})],
        title="Test from the audit log",
        text=f"{_TEST}\n",
    )


def _record(event: Event, severity: Severity, values: Mapping[str, Any]) -> Record:
    line = json.dumps({"event": event, "severity": severity, **values}, ensure_ascii=False)
    return Record(line, clock.now(), severity)


_TEST = "This is a test. Whoever reads it need do nothing."
_KEEP = (
    "Keep this. It holds no names, and need not be secret. Whoever has it can tell whether\n"
    "anybody later altered anything that the audit log held by then. The file that comes\n"
    "with it is for `portal audit verify --held`."
)
