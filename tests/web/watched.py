"""What a page asks of its query: to another value of what it does not ask for, it answers alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Request
from werkzeug.datastructures import ImmutableMultiDict

from portal.web.request import PortalRequest

ALL = "all of them"
READ: set[str] = set()
WHOLE = {"copy", "deepcopy", "items", "keys", "lists", "listvalues", "to_dict", "values"}


@contextmanager
def watching_queries() -> Iterator[set[str]]:
    """The names that were asked for meanwhile, and `ALL` where somebody took the whole query."""
    READ.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PortalRequest, "parameter_storage_class", _Watched)
        patch.setattr(PortalRequest, "full_path", property(_full_path))
        yield READ


class _Watched(ImmutableMultiDict):
    def __getitem__(self, name: str) -> Any:
        READ.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        READ.add(str(name))
        return super().__contains__(name)

    def getlist(self, name: str, *more: Any) -> list[Any]:
        READ.add(name)
        return super().getlist(name, *more)

    def __getattribute__(self, name: str) -> Any:
        if name in WHOLE:
            READ.add(ALL)
        return super().__getattribute__(name)

    def __iter__(self) -> Any:
        READ.add(ALL)
        return super().__iter__()


def _full_path(request: PortalRequest) -> str:
    READ.add(ALL)
    return Request.full_path.fget(request)
