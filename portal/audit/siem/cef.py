r"""An entry as a line of ArcSight's Common Event Format (CEF, implementation standard, version 0).

A pipe ends a field of the header, so one in a value is written `\|`; an equals sign ends a key of
the extension, so one in a value is written `\=`. A backslash is doubled in both.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from portal.audit.actions import SENTENCES, SEVERITIES
from portal.audit.severity import Severity
from portal.core import product
from portal.core.clock import milliseconds_of

NUMBERS = {  # 0 to 3 low, 4 to 6 medium, 7 to 8 high, 9 to 10 very high
    Severity.INFORMATIONAL: 1,
    Severity.NOTICE: 3,
    Severity.WARNING: 6,
    Severity.ALERT: 9,
}
_HEADER = str.maketrans({"\\": r"\\", "|": r"\|", "\n": " ", "\r": " "})
_EXTENSION = str.maketrans({"\\": r"\\", "=": r"\=", "\n": r"\n", "\r": r"\r"})


def line_of(entry: Mapping[str, Any], tenant_id: UUID) -> str:
    """The entry, without the end of its line. Values that there are not are left out."""
    action = entry["action"]
    header = (
        product.NAME,
        product.NAME,
        product.VERSION,
        action,
        SENTENCES.get(action, action),
        NUMBERS[SEVERITIES.get(action, Severity.INFORMATIONAL)],
    )
    fields = "|".join(str(value).translate(_HEADER) for value in header)
    values = _extension(entry, tenant_id).items()
    extension = (f"{key}={str(value).translate(_EXTENSION)}" for key, value in values if value)
    return f"CEF:0|{fields}|{' '.join(extension)}"


def _extension(entry: Mapping[str, Any], tenant_id: UUID) -> Mapping[str, Any]:
    """By CEF's keys. Six texts may be of one's own, each with a label that names it."""
    own = {
        "target": entry["target"],
        "organisation": tenant_id,
        "actor kind": entry["actor_kind"],
        "request": entry["request_id"],
        "detail": _json(entry["detail"]) if entry["detail"] else None,
    }
    return {
        "rt": milliseconds_of(entry["at"]),
        "externalId": entry["id"],
        "outcome": entry["outcome"],
        "suid": entry["actor_id"],
        **_source(entry["address"]),
        **_number(entry),
        **{f"cs{number}": value for number, value in enumerate(own.values(), 1)},
        **{f"cs{number}Label": name for number, name in enumerate(own, 1)},
    }


def _number(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """As a text: what is 0 is told as well."""
    if "number" not in entry:
        return {}
    return {"cn1": str(entry["number"]), "cn1Label": "sequence number"}


def _source(address: str | None) -> Mapping[str, Any]:
    """`src` takes IPv4 alone."""
    if address and ":" in address:
        return {"c6a2": address, "c6a2Label": "Source IPv6 Address"}
    return {"src": address}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
