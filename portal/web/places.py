"""Choosing a folder in a form: one question more, which comes back to what was filled in.

A form shows the folder that is chosen with a button beside it. The button sends the form to where
it goes anyway; the view then answers with a level of the tree (`choose_place`) instead of acting,
and the question carries the form along until a folder is chosen. Nothing of it needs a script.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, ValidationError

from portal.access.decision import Forbidden
from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.documents.choosing import Spot, list_level
from portal.documents.queries import get_folder
from portal.web.request import request
from portal.web.step_up import carried

MISSING = "This folder is not there any more, or not for you to choose."


class PlaceField(HiddenField):
    """A folder on which the reader holds `permission`, or what `top` says if there is none."""

    def __init__(self, label: str, permission: Permission, top: str, **more: Any) -> None:
        super().__init__(label, **more)
        self.permission, self.top = permission, top
        self.at: str | None = None
        self.is_answered = False

    def process(self, formdata: Any, *args: Any, **more: Any) -> None:
        """Take what was chosen.

        `…-at` is where in the tree one is; `…-chosen` ends the choice, and so does `…-kept`.
        """
        super().process(formdata, *args, **more)
        sent = formdata or {}
        self.at = sent.get(f"{self.name}-at")
        chosen = sent.get(f"{self.name}-chosen")
        self.is_answered = chosen is not None or f"{self.name}-kept" in sent
        if chosen is not None:
            self.data = chosen

    @property
    def is_asked(self) -> bool:
        """Whether the tree is to be shown."""
        return self.at is not None

    @property
    def is_being_chosen(self) -> bool:
        """Whether the form was sent to show the tree, or comes back from it."""
        return self.is_asked or self.is_answered

    @property
    def folder_id(self) -> UUID | None:
        """The chosen folder, None for what `top` says. Raises `NotFound` for what is no id."""
        return parse_id(self.data)

    @property
    def path(self) -> str:
        """What is chosen, in words."""
        try:
            folder_id = self.folder_id
            if folder_id is None:
                return self.top
            place = get_folder(g.actor, folder_id, self.permission)
        except (NotFound, Forbidden):
            return MISSING
        return " / ".join(folder.name for folder in reversed(place.folders))

    def pre_validate(self, form: Any) -> None:
        """Refuse what the tree would not have shown."""
        if self.path == MISSING:
            raise ValidationError(MISSING)


class PlaceForm(FlaskForm):
    """A form with a `PlaceField` named `folder`. It is not sent as long as the folder is chosen."""

    folder: PlaceField

    def is_submitted(self) -> bool:
        """Whether the form was sent for what it is about."""
        return bool(super().is_submitted()) and not self.folder.is_being_chosen


def parse_id(text: str | None) -> UUID | None:
    """The id that a form names; None for "". Raises `NotFound` for what is no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None


def requested_spot() -> Spot | None:
    """The spot that the address asks for; None where it asks for none. Raises `NotFound`."""
    return parse_spot(request.args["at"]) if "at" in request.args else None


def parse_spot(text: str) -> Spot:
    """The spot that a button of the tree names, `<folder>:<page>`. Raises `NotFound`."""
    folder, _, page = text.partition(":")
    return Spot(parse_id(folder), int(page) if page.isdecimal() and len(page) < 6 else 1)


def redirect_to_folder(folder_id: UUID | None) -> ResponseReturnValue:
    """The way to a folder, or to the top."""
    if folder_id is None:
        return redirect(url_for("documents.index"))
    return redirect(url_for("documents.folder", folder_id=folder_id))


def undo_category() -> str:
    """The category of a flash that says this request moved something, and offers to undo it."""
    return f"moved:{g.actor.request_id}"


def choose_place(
    field: PlaceField,
    method: str = "post",
    *,
    what: str = "",
    lies_in: Collection[UUID | None] = (),
) -> str:
    """The question which folder, at the level that was asked for; `what` tells what it is for.

    If all of it lies in one place, that place can't be chosen.

    Raises `NotFound` or `Forbidden`.
    """
    own = {f"{field.name}-{step}" for step in ("at", "chosen", "kept")}
    fields = request.args.items(multi=True) if method == "get" else carried()
    return render_template(
        "choose_place.html",
        field=field,
        level=list_level(g.actor, field.permission, parse_spot(field.at or "")),
        carried=[(name, value) for name, value in fields if name not in own],
        address=request.path if method == "get" else request.full_path.rstrip("?"),
        method=method,
        what=what,
        here=[*lies_in] if len(lies_in) == 1 else (),
    )
