"""What became of each of several documents."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: a document, or why none, with the status of an error that says so."""

    name: str
    document_id: UUID | None = None
    refusal: str = ""
    status: int = 200
