"""An entry as an event of the Open Cybersecurity Schema Framework (schema.ocsf.io, 1.8.0)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from portal.audit.actions import SENTENCES, SEVERITIES, Outcome
from portal.audit.severity import Severity
from portal.audit.siem.classes import (
    API_ACTIVITY,
    AUTHENTICATION,
    AUTHORIZE_SESSION,
    ENTITY_MANAGEMENT,
    FILE_HOSTING,
    GROUP_MANAGEMENT,
    OTHER,
    activity_of,
    class_of,
)
from portal.core import product
from portal.core.clock import milliseconds_of

SCHEMA_VERSION = "1.8.0"
SEVERITY_IDS = {  # 1 informational, 2 low, 3 medium, 4 high
    Severity.INFORMATIONAL: 1,
    Severity.NOTICE: 2,
    Severity.WARNING: 3,
    Severity.ALERT: 4,
}
_SUCCESS, _FAILURE = 1, 2
_REGULAR_FILE, _FOLDER = 1, 2
_USER_TYPES = {"user": 1, "operator": 2, "system": 3, "anonymous": 0}

Thing = dict[str, Any]


def event_of(entry: Mapping[str, Any], tenant_id: UUID) -> Thing:
    """The event, as JSON can hold it but for ids. What has no place in the schema is `unmapped`."""
    action, found = entry["action"], class_of(entry["action"])
    activity = activity_of(action)
    severity = SEVERITIES.get(action, Severity.INFORMATIONAL)
    event = {
        "metadata": _metadata(entry, tenant_id),
        "time": milliseconds_of(entry["at"]),
        "class_uid": found.uid,
        "category_uid": found.category_uid,
        "activity_id": activity,
        "type_uid": found.uid * 100 + activity,
        "severity_id": SEVERITY_IDS[severity],
        "severity": severity,
        "status_id": _SUCCESS if entry["outcome"] == Outcome.SUCCESS else _FAILURE,
        "status": entry["outcome"],
        "message": SENTENCES.get(action, action),
        "actor": {"user": _actor(entry)},
        "src_endpoint": _source(entry),
        "unmapped": {"target": entry["target"], "detail": entry["detail"]},
    }
    if activity == OTHER:
        event["activity_name"] = action
    return event | _OBJECTS[found.uid](entry)


def _metadata(entry: Mapping[str, Any], tenant_id: UUID) -> Thing:
    made_by = {"name": product.NAME, "vendor_name": product.NAME, "version": product.VERSION}
    metadata: Thing = {
        "version": SCHEMA_VERSION,
        "product": made_by,
        "uid": entry["id"],
        "event_code": entry["action"],
        "tenant_uid": tenant_id,
    }
    if "number" in entry:
        metadata["sequence"] = entry["number"]
    return metadata | ({"correlation_uid": entry["request_id"]} if entry["request_id"] else {})


def _actor(entry: Mapping[str, Any]) -> Thing:
    kind = entry["actor_kind"]
    user = {"type": kind, "type_id": _USER_TYPES.get(kind, OTHER)}
    return user | ({"uid": entry["actor_id"]} if entry["actor_id"] else {"name": kind})


def _source(entry: Mapping[str, Any]) -> Thing:
    """From where; the schema wants one, also where none is known any more, or never was."""
    return {"ip": entry["address"]} if entry["address"] else {"name": "unknown"}


def _named(target: str) -> Thing:
    """A thing by its id; what there is one of in an organisation has none."""
    kind, _, id_ = target.partition(":")
    return {"type": kind, "uid": id_ or kind}


def _whose_session(entry: Mapping[str, Any]) -> Thing:
    """The one who comes or goes: not who ends the session of somebody else."""
    kind, _, id_ = entry["detail"].get("of", entry["target"]).partition(":")
    return {"user": {"uid": id_} if kind == "user" and id_ else _actor(entry)}


def _authentication(entry: Mapping[str, Any]) -> Thing:
    return _whose_session(entry) | {"service": {"name": product.NAME}}


def _authorize_session(entry: Mapping[str, Any]) -> Thing:
    return _whose_session(entry) | {"privileges": ["sensitive acts"]}


def _entity_management(entry: Mapping[str, Any]) -> Thing:
    return {"entity": _named(entry["target"])}


def _group_management(entry: Mapping[str, Any]) -> Thing:
    person = entry["detail"].get("person")
    return {"group": _named(entry["target"])} | ({"user": {"uid": person}} if person else {})


def _api_activity(entry: Mapping[str, Any]) -> Thing:
    return {"api": {"operation": entry["action"]}, "resources": [_named(entry["target"])]}


def _file_hosting(entry: Mapping[str, Any]) -> Thing:
    """The log never holds a document's name, so its target stands for it."""
    kind, _, id_ = entry["target"].partition(":")
    types = {"document": _REGULAR_FILE, "folder": _FOLDER}
    file = {"name": entry["target"], "type_id": types.get(kind, OTHER)}
    return {"file": file | ({"uid": id_} if id_ else {})}


_OBJECTS = {
    AUTHENTICATION.uid: _authentication,
    AUTHORIZE_SESSION.uid: _authorize_session,
    ENTITY_MANAGEMENT.uid: _entity_management,
    GROUP_MANAGEMENT.uid: _group_management,
    API_ACTIVITY.uid: _api_activity,
    FILE_HOSTING.uid: _file_hosting,
}
