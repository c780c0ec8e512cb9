"""The audit log: a page of entries, newest first, and one entry whole."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import audit_log
from portal.access.evidence.proving import find_place
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.audit.actions import SENTENCES, SEVERITIES
from portal.documents.naming import names_of_targets
from portal.web.access import discloses, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import FilterForm


@blueprint.get("")
@discloses
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    """Entries that match the filters. Reading is itself recorded."""
    form = FilterForm(request.args)
    if not form.validate():
        return _log_page(form, audit_log.find_nothing(g.actor)), 422
    found = audit_log.search(
        g.actor,
        form.filters(),
        before=request.args.get("before", type=UUID),
        after=request.args.get("after", type=UUID),
    )
    return _log_page(form, found)


@blueprint.get("/<uuid:entry_id>")
@discloses
@requires(Permission.AUDIT_READ)
def show(entry_id: UUID) -> ResponseReturnValue:
    """One entry with all it tells."""
    shown = audit_log.get(g.actor, entry_id)
    names = _names([shown.entry.target, *_folders_in(shown.entry.detail)], shown)
    return render_template(
        "audit/show.html",
        shown=shown,
        names=names,
        sentences=SENTENCES,
        severities=SEVERITIES,
        place=find_place(entry_id),
    )


def _log_page(form: FilterForm, found: audit_log.Found) -> str:
    return render_template(
        "audit/index.html",
        form=form,
        found=found,
        names=_names([entry.target for entry in found.entries], found),
        sentences=SENTENCES,
        severities=SEVERITIES,
    )


def _names(targets: Sequence[str], known: audit_log.Found | audit_log.Shown) -> Mapping[str, str]:
    """What to call people, groups, roles, documents and folders, by target."""
    named = {f"user:{i}": name for i, name in known.people.items()}
    named |= {f"group:{i}": name for i, name in known.groups.items()}
    for key, role in list_roles().items():
        named[f"role:{key}"] = f"{role.name} (retired)" if role.is_retired else role.name
    return named | names_of_targets(g.actor, targets)


def _folders_in(detail: Mapping[str, Any]) -> Sequence[str]:
    return [f"folder:{detail[key]}" for key in FOLDERS if detail.get(key)]


FOLDERS = ("folder", "came_from")  # what details call a folder by its id
