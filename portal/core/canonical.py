"""Canonical JSON, for what is signed."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON of texts, whole numbers, booleans, lists and maps with ASCII keys: for these
    Python writes what RFC 8785 asks for.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()
