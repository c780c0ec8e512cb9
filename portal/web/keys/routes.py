"""The organisation's keys: how old, what needs them, and new ones."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.auth import key_care
from portal.auth.assurance import Act
from portal.web.access import freshly, requires
from portal.web.keys.forms import RotationForm
from portal.web.lifecycle import shown_on, shown_status

blueprint = Blueprint("keys", __name__, url_prefix="/keys")


@blueprint.get("")
@requires(Permission.KEY_READ)
def index() -> ResponseReturnValue:
    """All of them, and what happened to them."""
    shown = key_care.show_keys(g.actor)
    return _page(shown, RotationForm.showing(shown.rotation_days))


@blueprint.post("/rotate")
@freshly(Act.KEYS)
@requires(Permission.KEY_ROTATE)
def rotate() -> ResponseReturnValue:
    """Make a new encryption key."""
    key_care.rotate_now(g.actor)
    flash("The new key is in use from now on. The portal re-encrypts what there is.", "success")
    return redirect(url_for("keys.index"))


@blueprint.post("/rotation")
@freshly(Act.KEYS)
@requires(Permission.KEY_ROTATE)
def choose() -> ResponseReturnValue:
    """Say how often the encryption key rotates."""
    form = RotationForm()
    if form.validate_on_submit():
        with shown_on(form):
            key_care.choose_rotation(g.actor, form.days.data)
            flash("The choice is made. It holds from now on.", "success")
            return redirect(url_for("keys.index"))
    return _page(key_care.show_keys(g.actor), form)


@blueprint.post("/signing/rotate")
@freshly(Act.KEYS)
@requires(Permission.KEY_ROTATE)
def rotate_signing() -> ResponseReturnValue:
    """Make a new key to sign with."""
    key_care.rotate_signing_key(g.actor)
    flash("A new key signs from now on. What was signed before stays verifiable.", "success")
    return redirect(url_for("keys.index"))


def _page(shown: key_care.ShownKeys, form: RotationForm) -> ResponseReturnValue:
    return render_template("keys/index.html", shown=shown, form=form), shown_status(form)
