"""Rules: listed, tried out, made, changed and deleted."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.documents.retention import rules as service
from portal.web.access import freshly, requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place
from portal.web.retention.forms import RuleForm
from portal.web.retention.routes.blueprint import blueprint


@blueprint.get("/rules")
@requires(Permission.RETENTION_EDIT)
def rules() -> ResponseReturnValue:
    """Every rule, and which one counts."""
    return render_template("retention/rules.html", listed=service.list_shown_rules(g.actor))


@blueprint.route("/rules/new", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.RETENTION_EDIT)
def create_rule() -> ResponseReturnValue:
    """Say what a rule is to be; see whom it concerns; make it."""
    done = "The rule is made. It holds from the next run on."
    return _rule_page(RuleForm(), None, partial(service.create_rule, g.actor), done)


@blueprint.route("/rules/<uuid:rule_id>/edit", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.RETENTION_EDIT)
def edit_rule(rule_id: UUID) -> ResponseReturnValue:
    """Have a rule say something else; whom that concerns can be seen before."""
    listed = service.get_rule(g.actor, rule_id)
    form = RuleForm(obj=listed.rule, folder=str(listed.rule.folder_id or ""))
    done = "The rule is changed. It holds like this from the next run on."
    return _rule_page(form, listed, partial(service.change_rule, g.actor, rule_id), done)


@blueprint.route("/rules/<uuid:rule_id>/delete", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.RETENTION_EDIT)
def delete_rule(rule_id: UUID) -> ResponseReturnValue:
    """Have a rule hold no more, after a question."""
    listed, form = service.get_rule(g.actor, rule_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_rule(g.actor, rule_id)
            flash("The rule is deleted.", "success")
            return redirect(url_for("retention.rules"))
    reach = service.reach_of(g.actor, rule_id)
    page = render_template("retention/delete_rule.html", form=form, listed=listed, reach=reach)
    return page, shown_status(form)


def _rule_page(
    form: RuleForm,
    listed: service.ListedRule | None,
    keep: Callable[[service.Choices], object],
    done: str,
) -> ResponseReturnValue:
    """The form; sent, what it asks for: a folder, whom the rule would concern, or to keep it.

    What is kept is what was looked at: of anything else it is shown first whom that would concern.
    """
    reach = None
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            if form.preview.data or form.seen.data != form.gist():
                reach = service.preview_rule(g.actor, form.chosen())
                form.seen.data = form.gist()
            else:
                keep(form.chosen())
                flash(done, "success")
                return redirect(url_for("retention.rules"))
    page = render_template("retention/rule.html", form=form, reach=reach, listed=listed)
    return page, shown_status(form)
