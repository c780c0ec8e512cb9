"""Making reports: read, written, signed by their digest, and recorded, in one act.

A report is not kept. What is kept is the statement in the audit log that a file with this digest
was made, by whom and when, signed with the organisation's key: whoever holds the file can have it
compared, and the log's own proof covers the statement.
"""

import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import list_latest
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.canonical import canonical
from portal.core.tables import csv_lines
from portal.keys.signing import sign
from portal.reports.kinds import REPORTS, get_report
from portal.reports.report import Report, Row
from portal.tenancy.binding import bound

FORMAT = "portal/report/v1"
LATEST_SHOWN = 20
_LINES_AT_ONCE = 200


class Form(StrEnum):
    """What a report is written as."""

    HTML = "html"
    CSV = "csv"


@dataclass(slots=True)
class Drawn:
    """A report as it is written: its rows are read once, and counted."""

    report: Report
    at: datetime
    _rows: Iterable[Row]
    lines: int = 0

    def rows(self) -> Iterator[Row]:
        """The rows, as they are read."""
        for row in self._rows:
            self.lines += 1
            yield row


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was signed. It is kept in memory as little as can be: packed."""

    report: Report
    form: Form
    at: datetime
    sha256: str
    _packed: Sequence[bytes]

    def read(self) -> Iterator[bytes]:
        """The bytes that were signed, piece by piece."""
        unpacking = zlib.decompressobj()
        for piece in self._packed:
            yield unpacking.decompress(piece)
        yield unpacking.flush()


Write = Callable[[Drawn], Iterable[str]]


def list_reports(actor: Actor) -> Sequence[Report]:
    """The reports that `actor` may make. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_READ)
    return [report for report in REPORTS.values() if decide(actor, report.permission)]


def list_made(actor: Actor) -> Sequence[AuditEntry]:
    """What the log tells of the reports that were made last. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_READ)
    return list_latest([Action.REPORT_MADE], LATEST_SHOWN)


def make_report(actor: Actor, key: str, form: Form, write: Write) -> Made:
    """Have `write` write a report, and sign its digest. Nothing is changed but the log.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    require(actor, Permission.AUDIT_READ)
    report = get_report(key)
    require(actor, report.permission)
    require_fresh(actor, Act.EXPORTS)
    drawn = Drawn(report, clock.now(), report.rows(actor))
    made = _packed(drawn, form, write)
    statement = {
        "format": FORMAT,
        "organisation": str(bound().tenant.id),
        "report": key,
        "form": form,
        "sha256": made.sha256,
        "lines": drawn.lines,
        "made_at": drawn.at.isoformat(),
        "made_by": str(actor.user_id),
    }
    signature = sign(canonical(statement))
    record(
        actor,
        Action.REPORT_MADE,
        f"report:{made.sha256}",
        statement=statement,
        signature=b64encode(signature.value).decode("ascii"),
        key_id=str(signature.key_id),
    )
    return made


def write_csv(drawn: Drawn) -> Iterator[str]:
    """A row for each line; no cell is taken for a formula."""
    yield csv_lines([drawn.report.columns])
    rows = drawn.rows()
    while some := list(islice(rows, _LINES_AT_ONCE)):
        yield csv_lines(some)


def _packed(drawn: Drawn, form: Form, write: Write) -> Made:
    packing, digest, pieces = zlib.compressobj(), sha256(), []
    for text in write(drawn):
        piece = text.encode()
        digest.update(piece)
        pieces.append(packing.compress(piece))
    pieces.append(packing.flush())
    return Made(drawn.report, form, drawn.at, digest.hexdigest(), list(filter(None, pieces)))
