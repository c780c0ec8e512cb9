"""One page of a list that the database holds."""

from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from portal.core.paging import page_within
from portal.tenancy.session import db


class Cut(NamedTuple):
    """A page to be read by `rows`, the number of all pages, and that of all rows."""

    rows: Select[Any]
    page: int
    pages: int
    total: int


def cut_page(ordered: Select[Any], page: int, size: int) -> Cut:
    """The page nearest to the one that is asked for, of rows in an order. Counts them all."""
    counted = select(func.count()).select_from(ordered.order_by(None).subquery())
    total = db.session.execute(counted).scalar_one()
    page, pages = page_within(page, total, size)
    return Cut(ordered.limit(size).offset((page - 1) * size), page, pages, total)
