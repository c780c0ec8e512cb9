"""How a list of documents is sorted, and where it goes on: `?sort=-size&at=…&id=…`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import has_request_context, url_for

from portal.documents.queries import After
from portal.documents.rows import Cursor
from portal.documents.sorting import USUAL, By, Order
from portal.web.request import request

MOST_DIGITS = 18
DESCENDING = frozenset({By.SIZE, By.CHANGED})  # what is looked for is large, or new
LED_TO = frozenset({"documents", "folders", "links", "audit", "retention"})  # from documents' pages
OF_LISTS = frozenset({
    "documents.index",
    "documents.upload_form",
    "documents.move_many",
    "documents.undo_move",
    "documents.copy_many",
    "documents.delete_many",
    "folders.create",
})  # fmt: skip


def before() -> Cursor | None:
    """The row after which the page goes on, from `?at=…&id=…`."""
    at = request.args.get("at", type=_utc)
    document_id = request.args.get("id", type=UUID)
    return None if at is None or document_id is None else (at, document_id)


def asked_order() -> Order:
    """The order that `?sort=…` names, a minus before it for descending; else the usual one."""
    name = request.args.get("sort", "")
    by = name.removeprefix("-")
    return Order(By(by), name.startswith("-")) if by in tuple(By) else USUAL


def after(order: Order = USUAL) -> After | None:
    """What a folder's list goes on behind: a folder, `?folder=…`, or a document.

    Where it is sorted by name an address tells an id in place of it.
    """
    folder_id, document_id = (request.args.get(name, type=UUID) for name in ("folder", "id"))
    if folder_id is not None:
        return folder_id
    if order.by == By.CHANGED:
        return before()
    if document_id is None or order.by == By.NAME:
        return (None, document_id) if document_id else None
    number = request.args.get("at", type=_number)
    return None if number is None else (number, document_id)


def named(order: Order) -> str | None:
    """An order as addresses name it; the usual one is not named."""
    return None if order == USUAL else f"{'-' if order.is_descending else ''}{order.by}"


def asked_sort() -> str | None:
    """The order that was asked for as addresses name it."""
    return named(asked_order())


def keep_order(endpoint: str, values: dict[str, Any]) -> None:
    """Have the addresses on a page go on naming the order that was asked for, as far as they lead
    to a list or to where one comes back from to a list: a folder, a document, an act on some.
    """
    group, is_about = endpoint.partition(".")[0], values.keys() & {"document_id", "folder_id"}
    leads_back = endpoint in OF_LISTS or (group in LED_TO and is_about)
    if leads_back and "sort" not in values and has_request_context():
        values["sort"] = asked_sort()


def turned(order: Order, by: str) -> str:
    """What the heading of a column leads to: its own order, or the other direction of it."""
    is_descending = not order.is_descending if order.by == by else By(by) in DESCENDING
    return f"{'-' if is_descending else ''}{by}"


def page_at(further: After | None, order: Order = USUAL) -> str:
    """The address of the page that goes on there, or of the first one, in the same order."""
    values = {"sort": named(order), **(request.view_args or {})}
    if isinstance(further, UUID):
        values["folder"] = further
    elif further is not None:
        key, document_id = further
        values["at"] = key.isoformat() if isinstance(key, datetime) else key
        values["id"] = document_id
    return url_for(str(request.endpoint), **values)


def _number(text: str) -> int:
    """A number as our own links give it. Raises `ValueError` for any other."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ValueError("no number")
    return int(text)


def _utc(text: str) -> datetime:
    """A time as our own links give it. Raises `ValueError` for any other."""
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError("not in UTC")
    return at
