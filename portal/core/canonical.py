"""Canonical JSON, for what is signed."""

import json
from collections.abc import Mapping
from typing import Any

_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON of texts, whole numbers, booleans, lists and maps with ASCII keys: for these
    Python writes what RFC 8785 asks for.
    """
    return _encoder.encode(value).encode()
