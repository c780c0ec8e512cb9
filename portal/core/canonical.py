"""Canonical JSON, for what is signed."""

from collections.abc import Mapping
from typing import Any

import orjson

# Members of an enumeration are keys as well, by their text.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON of texts, whole numbers of 64 bits, booleans, lists and maps with ASCII keys:
    for these `orjson` writes what RFC 8785 asks for. Ids and times become texts, as `str` and
    `isoformat` write them.

    Raises `TypeError` for what JSON has no word for.
    """
    return orjson.dumps(value, option=_OPTIONS)
