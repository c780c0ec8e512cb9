"""Why a document or a folder is kept, or goes: for officers, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.places import get_place
from portal.documents.retention.decision import Fate, Hold, Rule, Wanted, Wish
from portal.documents.retention.facts import judge, list_live_holds, list_rules
from portal.documents.retention.things import names_of_documents, paths_of


@dataclass(frozen=True, slots=True)
class ExplainedDocument:
    """A document's fate, with the chain that leads to it."""

    document_id: UUID
    name: str
    place: str
    fate: Fate
    chain: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExplainedFolder:
    """What holds in a folder: the rules that reach into it, nearest first, and the holds on it."""

    folder_id: UUID
    path: str
    rules: Sequence[Rule]
    holds: Sequence[Hold]


def explain_document(actor: Actor, document_id: UUID) -> ExplainedDocument:
    """Why a document is kept, or goes. It tells of holds. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.HOLD_EDIT)
    judged = judge([document_id])
    if not judged:
        raise NotFound
    [(facts, fate)] = judged
    name = names_of_documents([document_id])[document_id]
    place = paths_of(facts.folders[:1]).get(facts.folders[0], "") if facts.folders else ""
    return ExplainedDocument(document_id, name, place, fate, chain_of(fate))


def explain_folder(actor: Actor, folder_id: UUID) -> ExplainedFolder:
    """Which rules and holds are about a folder. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.HOLD_EDIT)
    above = [folder.id for folder in get_place(folder_id).folders]
    reaching = [rule for rule in list_rules() if rule.folder_id is None or rule.folder_id in above]
    reaching.sort(key=lambda rule: above.index(rule.folder_id) if rule.folder_id else len(above))
    holds = [hold for hold in list_live_holds() if hold.on & set(above)]
    return ExplainedFolder(folder_id, paths_of([folder_id])[folder_id], reaching, holds)


def chain_of(fate: Fate) -> Sequence[str]:
    """The steps of a decision, in words, the strongest first, and what comes of them."""
    return tuple(_chain(fate))


def _chain(fate: Fate) -> Iterator[str]:
    for hold in fate.holds:
        yield f"Held for “{hold.matter}”: a hold stands above all else."
    if fate.kept is not None:
        still = "keeps it until" if fate.kept.until > fate.now else "kept it until"
        yield f"The rule “{fate.kept.rule.name}” {still} {day(fate.kept.until)}."
    for wanted in fate.wanted:
        yield _wanted(wanted)
    yield _conclusion(fate)
    if fate.hidden:
        yield "Some of its older versions are on no page any more. They go once it is not held."
    elif fate.prune_at and not fate.is_due and not fate.holds and fate.prune_rule is not None:
        yield (
            f"Older versions go as the rule “{fate.prune_rule.name}” says: "
            f"the next on {day(min(fate.prune_at.values()))}."
        )


def _wanted(wanted: Wanted) -> str:
    if wanted.rule is not None:
        return f"The rule “{wanted.rule.name}” deletes it on {day(wanted.at)}."
    if wanted.wish == Wish.ERASURE:
        return f"Its owner's data is to be erased, as was decided on {day(wanted.at)}."
    return f"It is in the trash, or its folder is, until {day(wanted.at)}."


def _conclusion(fate: Fate) -> str:
    if fate.holds:
        return "So it stays until every hold on it is released."
    if fate.delete_at is None:
        return "Nothing wants it deleted. So it stays."
    if fate.is_due:
        return "So the next run deletes it."
    return f"So it is deleted on {day(fate.delete_at)}."


def day(at: datetime) -> str:
    """A moment as its day in UTC: a run comes some minutes after it at most."""
    return f"{at:%Y-%m-%d}"
