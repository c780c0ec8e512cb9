"""Choices of a select field."""

from collections.abc import Iterable
from typing import Any


def choices(values: Iterable[str]) -> Any:
    """Plain values, whose labels the templates give: WTForms 3.3 warns of pairs.

    Its published types know nothing but pairs, hence the Any.
    """
    return [str(value) for value in values]
