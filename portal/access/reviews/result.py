"""The result of a review: canonical JSON (RFC 8785), signed with the tenant's own key.

It is made once, when the review is closed, and kept as it was signed, so that no later version of
the portal tells it differently. It holds names of folders, hence it is sealed; parts of it fit a
sealed column.
"""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.reviews.models import (
    RESULT_CONTENT,
    AccessReview,
    ResultPart,
    Reviewer,
    ReviewLine,
)
from portal.core.canonical import canonical
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.keys.columns import MAX_BYTES, open_sealed, seal
from portal.keys.providers import KeyDamaged
from portal.keys.signing import Signature, is_genuine, sign
from portal.tenancy.binding import bound
from portal.tenancy.session import db
from portal.users.queries import names_of

FORMAT = "portal/access-review/v1"


@dataclass(frozen=True, slots=True)
class SignedResult:
    """What vouches for a result."""

    sha256: bytes
    signature: bytes
    key_id: UUID

    @property
    def base64(self) -> str:
        """The signature as text."""
        return b64encode(self.signature).decode("ascii")


def keep_result(review: AccessReview) -> SignedResult:
    """Put the result of a review that has just been closed together, sign it and keep it."""
    db.session.refresh(review)
    content = canonical(_content(review))
    signature = sign(content)
    packed = zlib.compress(content)
    for number, start in enumerate(range(0, len(packed), MAX_BYTES)):
        part = ResultPart(id=new_id(), review_id=review.id, number=number)
        part.content_sealed = seal(*RESULT_CONTENT, part.id, packed[start : start + MAX_BYTES])
        db.session.add(part)
    review.result_sha256 = hashlib.sha256(content).digest()
    review.signature, review.key_id = signature.value, signature.key_id
    db.session.flush()
    return SignedResult(review.result_sha256, signature.value, signature.key_id)


def read_result(review: AccessReview) -> bytes:
    """The result as it was signed. Raises `NotFound`, or `KeyDamaged` where it was altered."""
    if review.signature is None or review.key_id is None:
        raise NotFound
    parts = db.session.execute(
        select(ResultPart.id, ResultPart.content_sealed)
        .where(ResultPart.review_id == review.id)
        .order_by(ResultPart.number)
    )
    packed = b"".join(open_sealed(*RESULT_CONTENT, part_id, sealed) for part_id, sealed in parts)
    try:
        content = zlib.decompress(packed)
    except zlib.error:
        raise KeyDamaged from None
    if not is_genuine(content, Signature(review.key_id, review.signature)):
        raise KeyDamaged
    return content


def _content(review: AccessReview) -> dict[str, Any]:
    lines = db.session.scalars(
        select(ReviewLine).where(ReviewLine.review_id == review.id).order_by(ReviewLine.number)
    ).all()
    reviewers = db.session.scalars(
        select(Reviewer.user_id).where(Reviewer.review_id == review.id)
    ).all()
    people = {*reviewers, *(line.decided_by for line in lines if line.decided_by)}
    people |= {who for who in (review.started_by, review.ended_by) if who}
    names = names_of(people)
    return {
        "format": FORMAT,
        "organisation": {"id": str(bound().tenant.id), "name": bound().tenant.name},
        "review": _review_content(review, names),
        "reviewers": [_person(who, names) for who in sorted(reviewers)],
        "lines": [_line_content(line, names) for line in lines],
    }


def _review_content(review: AccessReview, names: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "id": str(review.id),
        "name": review.name,
        "scope": review.scope,
        "started_at": _moment(review.started_at),
        "started_by": _person(review.started_by, names),
        "due_at": _moment(review.due_at),
        "on_unanswered": review.on_unanswered,
        "closed_at": _moment(review.ended_at),
        "closed_by": _person(review.ended_by, names),
    }


def _line_content(line: ReviewLine, names: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "number": line.number,
        "kind": line.kind,
        "subject": str(line.subject_id),
        "holder": {
            "kind": "person" if line.user_id else "group",
            "id": str(line.user_id or line.group_id),
            "name": line.holder_name,
        },
        "group": {"id": str(line.group_id), "name": line.group_name} if line.group_name else None,
        "role": line.role,
        "role_names": line.role_names,
        "folder": _folder(line),
        "since": _moment(line.held_since),
        "until": _moment(line.expires_at),
        "granted_by": {"id": str(line.granted_by), "name": line.granter_name}
        if line.granted_by
        else None,
        "reason": line.reason,
        "decision": line.decision,
        "comment": line.comment,
        "decided_by": _person(line.decided_by, names),
        "decided_at": _moment(line.decided_at),
        "outcome": line.outcome,
    }


def _folder(line: ReviewLine) -> dict[str, str] | None:
    if line.folder_id is None:
        return None
    return {"id": str(line.folder_id), "name": line.folder_name if line.folder_name_sealed else ""}


def _person(user_id: UUID | None, names: Mapping[UUID, str]) -> dict[str, str] | None:
    return {"id": str(user_id), "name": names.get(user_id, "")} if user_id else None


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
