"""Access reviews: what was reviewed, when, and what came of it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from portal.access.permissions import Permission
from portal.access.reviews.models import AccessReview, LineOutcome, ReviewLine
from portal.audit.actor import Actor
from portal.reports.report import BATCH_SIZE, Report, Row, moment
from portal.tenancy.session import db
from portal.users.models import User

_review, _line, _user = (model.__table__ for model in (AccessReview, ReviewLine, User))
_starter, _ender = aliased(_user, name="starter"), aliased(_user, name="ender")


def _rows(_actor: Actor) -> Iterator[Row]:
    for row in db.session.execute(_reviews().execution_options(yield_per=BATCH_SIZE)):
        yield (
            row.name,
            row.state,
            moment(row.started_at),
            row.started_by or "",
            moment(row.due_at),
            moment(row.ended_at),
            row.ended_by or "",
            row.lines or 0,
            row.answered or 0,
            row.kept or 0,
            row.revoked or 0,
            row.result_sha256.hex() if row.result_sha256 else "",
        )


def _reviews() -> Select[Any]:
    counted = (
        select(
            _line.c.review_id,
            func.count().label("lines"),
            func.count(_line.c.decision).label("answered"),
            *(
                func.count().filter(_line.c.outcome == outcome).label(outcome)
                for outcome in (LineOutcome.KEPT, LineOutcome.REVOKED)
            ),
        )
        .group_by(_line.c.review_id)
        .subquery("counted")
    )
    return (
        select(
            _review.c.name,
            _review.c.state,
            _review.c.started_at,
            _starter.c.name.label("started_by"),
            _review.c.due_at,
            _review.c.ended_at,
            _ender.c.name.label("ended_by"),
            counted.c.lines,
            counted.c.answered,
            counted.c.kept,
            counted.c.revoked,
            _review.c.result_sha256,
        )
        .select_from(_review)
        .outerjoin(counted, counted.c.review_id == _review.c.id)
        .outerjoin(_starter, _starter.c.id == _review.c.started_by)
        .outerjoin(_ender, _ender.c.id == _review.c.ended_by)
        .order_by(_review.c.id.desc())
    )


REPORT = Report(
    key="access-reviews",
    name="Access reviews",
    sentence="Every review: when it ran, how much was answered, kept and revoked, and the digest "
    "of its signed result.",
    permission=Permission.REVIEW_RUN,
    columns=(
        "Review",
        "State",
        "Started",
        "Started by",
        "Due",
        "Ended",
        "Ended by",
        "Lines",
        "Answered",
        "Kept",
        "Revoked",
        "SHA-256 of the signed result",
    ),
    rows=_rows,
)
