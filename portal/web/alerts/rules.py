"""The rules that raise alerts: listed, tried out, made, changed, switched and deleted."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.alerts import service
from portal.alerts.built_in import BUILT_IN
from portal.alerts.queries import list_shown_rules
from portal.alerts.rules import Rule
from portal.alerts.sentences import say
from portal.alerts.trying import Trial, try_rule
from portal.audit.actions import SENTENCES
from portal.auth.assurance import Act
from portal.core.ids import new_id
from portal.documents.retention.held_people import find_held_people
from portal.web.access import freshly, requires
from portal.web.alerts.areas import AREAS
from portal.web.alerts.blueprint import blueprint
from portal.web.alerts.forms import AlertRuleForm, HoursForm
from portal.web.alerts.naming import names_in
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status


@blueprint.get("/rules")
@requires(Permission.AUDIT_READ)
def rules() -> str:
    """Every rule, and the working hours."""
    return render_template("alerts/rules.html", shown=list_shown_rules(g.actor))


@blueprint.route("/rules/new", methods=["GET", "POST"])
@freshly(Act.ALERTS)
@requires(Permission.AUDIT_EXPORT)
def create_rule() -> ResponseReturnValue:
    """Say what a rule is to be; see what it would have found; make it."""
    done = "The rule is made, and watches from now on."
    return _rule_page(None, partial(service.create_rule, g.actor), done)


@blueprint.route("/rules/<uuid:rule_id>/edit", methods=["GET", "POST"])
@freshly(Act.ALERTS)
@requires(Permission.AUDIT_EXPORT)
def edit_rule(rule_id: UUID) -> ResponseReturnValue:
    """Have a rule look for something else; what that would have found can be seen before."""
    rule = service.get_rule(g.actor, rule_id)
    done = "The rule is changed, and watches like this from now on."
    return _rule_page(rule, partial(service.change_rule, g.actor, rule_id), done)


@blueprint.route("/rules/<uuid:rule_id>/switch", methods=["GET", "POST"])
@freshly(Act.ALERTS)
@requires(Permission.AUDIT_EXPORT)
def switch_rule(rule_id: UUID) -> ResponseReturnValue:
    """Switch a rule off, or on again, after a question."""
    rule, form = service.get_rule(g.actor, rule_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.switch_rule(g.actor, rule_id, is_on=not rule.is_on)
            flash(f"The rule is switched {'off' if rule.is_on else 'on'}.", "success")
            return redirect(url_for("alerts.rules"))
    page = render_template("alerts/switch.html", form=form, rule=rule, says=say(rule))
    return page, shown_status(form)


@blueprint.route("/rules/<uuid:rule_id>/delete", methods=["GET", "POST"])
@freshly(Act.ALERTS)
@requires(Permission.AUDIT_EXPORT)
def delete_rule(rule_id: UUID) -> ResponseReturnValue:
    """Delete a rule, or have a built-in one be as it was, after a question."""
    rule, form = service.get_rule(g.actor, rule_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_rule(g.actor, rule_id)
            done = "is as it was" if rule_id in BUILT_IN else "is deleted"
            flash(f"The rule {done}.", "success")
            return redirect(url_for("alerts.rules"))
    built_in = BUILT_IN.get(rule_id)
    page = render_template(
        "alerts/delete.html", form=form, rule=rule, says=say(rule),
        was=say(built_in) if built_in else "",
    )  # fmt: skip
    return page, shown_status(form)


@blueprint.route("/hours", methods=["GET", "POST"])
@freshly(Act.ALERTS)
@requires(Permission.AUDIT_EXPORT)
def hours() -> ResponseReturnValue:
    """Say when people work."""
    form = HoursForm.of(list_shown_rules(g.actor).hours)
    if form.validate_on_submit():
        with shown_on(form):
            service.change_hours(g.actor, form.chosen())
            flash("The working hours are changed.", "success")
            return redirect(url_for("alerts.rules"))
    return render_template("alerts/hours.html", form=form), shown_status(form)


def _rule_page(rule: Rule | None, keep: Callable[[Rule], object], done: str) -> ResponseReturnValue:
    """The form; sent, what it asks for: what the rule would have found, or to keep it."""
    form, trial = AlertRuleForm.of(rule), None
    if form.validate_on_submit():
        with shown_on(form):
            wanted = form.chosen(rule.id if rule else new_id())
            if form.preview.data:
                trial = try_rule(g.actor, wanted, find_held_people)
            else:
                keep(wanted)
                flash(done, "success")
                return redirect(url_for("alerts.rules"))
    return _drawn(form, rule, trial), shown_status(form)


def _drawn(form: AlertRuleForm, rule: Rule | None, trial: Trial | None) -> str:
    subjects = [alert.subject for alert in trial.alerts] if trial else []
    return render_template(
        "alerts/rule.html",
        form=form,
        rule=rule,
        trial=trial,
        names=names_in(subjects, trial.people) if trial else {},
        areas=AREAS,
        sentences=SENTENCES,
    )
