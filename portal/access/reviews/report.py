"""The report of a closed review, in the forms in which it leaves the portal, and its verification.

All are made of the result that was signed, never of rows that might have changed since.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.reviews.models import AccessReview, Decision, LineOutcome
from portal.access.reviews.queries import get_review
from portal.access.reviews.result import FORMAT, read_result
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Invalid, NotFound
from portal.core.tables import csv_table
from portal.keys.signing import Signature
from portal.keys.statements import open_statement, statement_file

WHAT = "the result"
OUTCOMES = {outcome.value: outcome.sentence for outcome in LineOutcome}
COLUMNS = (
    "Number",
    "Holder",
    "Kind of holder",
    "Holds",
    "Role",
    "Folder",
    "Since",
    "Until",
    "Given by",
    "Reason",
    "Decision",
    "Comment",
    "Decided by",
    "Decided at",
    "Outcome",
)


class Form(StrEnum):
    """What the report is fetched as."""

    HTML = "html"
    CSV = "csv"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Report:
    """A signed result, with what vouches for it."""

    review: AccessReview
    content: bytes
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a genuine file says of itself."""

    review_id: UUID
    name: str
    closed_at: str
    lines: int


def fetch_report(actor: Actor, review_id: UUID, form: Form) -> Report:
    """The result of a closed review. Raises `Forbidden`, `NotFound`, or `KeyDamaged` where what is
    kept is not what was signed.
    """
    require(actor, Permission.REVIEW_RUN)
    review = get_review(review_id)
    content = read_result(review)
    record(actor, Action.REVIEW_REPORT_READ, f"review:{review.id}", form=form)
    return Report(review, content, json.loads(content))


def csv_text(report: Report) -> str:
    """A row for each line."""
    return csv_table(COLUMNS, rows_of(report))


def rows_of(report: Report) -> Iterator[list[str]]:
    """The cells of each line, in the order of `COLUMNS`."""
    for line in report.result["lines"]:
        yield [str(cell) for cell in _cells(line)]


def signed_file(report: Report) -> bytes:
    """The result with its signature, the key and how to verify it."""
    review = report.review
    if review.key_id is None or review.signature is None:
        raise NotFound
    return statement_file(report.content, Signature(review.key_id, review.signature), WHAT)


def verify_file(actor: Actor, text: str) -> Verified:
    """Whether a file is one that `signed_file` made for this organisation, to the last byte.

    Raises `Forbidden`, or `Invalid` that says what is wrong.
    """
    require(actor, Permission.REVIEW_RUN)
    content = open_statement(text.strip().encode("utf-8", "replace"), WHAT)
    result = json.loads(content)
    if result.get("format") != FORMAT:
        raise Invalid("This is signed, but it is not the result of a review.")
    review = result["review"]
    return Verified(UUID(review["id"]), review["name"], review["closed_at"], len(result["lines"]))


def _cells(line: Mapping[str, Any]) -> Iterator[Any]:
    yield line["number"]
    yield line["holder"]["name"]
    yield line["holder"]["kind"]
    yield f"Membership of {line['group']['name']}" if line["group"] else "Role"
    yield ", ".join(line["role_names"])
    yield (line["folder"]["name"] or line["folder"]["id"]) if line["folder"] else ""
    yield line["since"]
    yield line["until"] or ""
    yield line["granted_by"]["name"] if line["granted_by"] else ""
    yield line["reason"]
    yield _decision(line)
    yield line["comment"]
    yield line["decided_by"]["name"] if line["decided_by"] else ""
    yield line["decided_at"] or ""
    yield OUTCOMES[line["outcome"]]


def _decision(line: Mapping[str, Any]) -> str:
    return {None: "", Decision.KEEP: "Keep", Decision.REVOKE: "Revoke"}[line["decision"]]
