"""The policy of signing in: seen, tried out, changed; who falls short of it; for which acts two
people are wanted; and the security checklist.
"""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.approvals.kinds import CHOOSABLE
from portal.access.approvals.queries import list_needing_two
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.auth import approving
from portal.auth.assurance import Act
from portal.auth.policy import service
from portal.auth.policy_preview import preview_policy
from portal.auth.policy_review import list_people
from portal.documents import checklist as security
from portal.documents import policy as document_policy
from portal.documents import usage
from portal.documents.links import policy as link_policy
from portal.web.access import freshly, requires
from portal.web.confirming import ASKED
from portal.web.lifecycle import shown_on, shown_status
from portal.web.policy.forms import ChoiceForm, DocumentPolicyForm, LinksForm, PolicyForm
from portal.web.request import request

blueprint = Blueprint("policy", __name__, url_prefix="/policy")

CHOSEN = "The choice is made. It holds from now on."


@blueprint.get("")
@requires(Permission.POLICY_READ)
def index() -> ResponseReturnValue:
    """Every choice, with what follows from it."""
    shown = service.show_policy(g.actor)
    return _form_page(PolicyForm.showing(shown), shown)


@blueprint.post("/choice")
@freshly(Act.POLICY)
@requires(Permission.POLICY_EDIT)
def choose() -> ResponseReturnValue:
    """Want two people for some acts from now on, or ask a second one whether to want it."""
    form, shown = ChoiceForm(), service.show_policy(g.actor)
    if form.validate_on_submit():
        with shown_on(form):
            waits = approving.change_choice(g.actor, form.kinds.data or (), form.reason.data or "")
            flash(ASKED if waits else CHOSEN, "success")
            return redirect(url_for("approvals.index" if waits else "policy.index"))
    return _form_page(PolicyForm.showing(shown), shown, form)


@blueprint.get("/preview")
@requires(Permission.POLICY_EDIT)
def preview() -> ResponseReturnValue:
    """What another policy would do, before it is kept."""
    if not request.args:
        return redirect(url_for("policy.index"))
    form, shown = PolicyForm.asked(request.args), service.show_policy(g.actor)
    if form.validate():
        with shown_on(form):
            wanted = form.policy(shown.policy)
            return render_template(
                "policy/preview.html",
                form=form,
                changes=service.changes_between(shown.policy, wanted),
                effect=preview_policy(g.actor, wanted),
                roles=form.roles,
            )
    return _form_page(form, shown)


@blueprint.post("/change")
@freshly(Act.POLICY)
@requires(Permission.POLICY_EDIT)
def change() -> ResponseReturnValue:
    """Have another policy hold from now on."""
    form, shown = PolicyForm(), service.show_policy(g.actor)
    if form.validate_on_submit():
        with shown_on(form):
            wanted = form.policy(shown.policy)
            service.change_policy(g.actor, wanted, version=form.version.data or "")
            flash("The policy is changed. It holds from now on.", "success")
            return redirect(url_for("policy.index"))
    return _form_page(form, shown)


@blueprint.get("/people")
@requires(Permission.POLICY_READ)
def people() -> ResponseReturnValue:
    """Who has which factor, and who falls short."""
    only_short = request.args.get("short") == "1"
    found = list_people(g.actor, request.page, only_short=only_short)
    return render_template(
        "policy/people.html", found=found, only_short=only_short, roles=list_roles()
    )


@blueprint.get("/checklist")
@requires(Permission.POLICY_EDIT)
def checklist() -> ResponseReturnValue:
    """What an organisation should see to, and whether it has."""
    return render_template("policy/checklist.html", steps=security.list_steps(g.actor))


@blueprint.get("/documents")
@requires(Permission.POLICY_READ)
def documents() -> ResponseReturnValue:
    """Which documents are taken, and how much room there is for them."""
    shown = document_policy.show_rules(g.actor)
    return _documents_page(DocumentPolicyForm.showing(shown), shown)


@blueprint.post("/documents/change")
@freshly(Act.POLICY)
@requires(Permission.POLICY_EDIT)
def change_documents() -> ResponseReturnValue:
    """Take other documents, or more of them, from now on."""
    form, shown = DocumentPolicyForm(), document_policy.show_rules(g.actor)
    if form.validate_on_submit():
        with shown_on(form):
            wanted = form.rules(shown.rules)
            document_policy.change_rules(g.actor, wanted, version=form.version.data or "")
            flash("The rules are changed. They hold for what is uploaded from now on.", "success")
            return redirect(url_for("policy.documents"))
    return _documents_page(form, shown)


def _documents_page(
    form: DocumentPolicyForm, shown: document_policy.ShownRules
) -> ResponseReturnValue:
    form.version.data = shown.version
    page = render_template(
        "policy/documents.html",
        form=form,
        usage=usage.find_tenant_usage(),
        largest=usage.list_largest(g.actor),
    )
    return page, shown_status(form)


@blueprint.get("/links")
@requires(Permission.POLICY_READ)
def links() -> ResponseReturnValue:
    """What is allowed of sharing links."""
    return _links_page(LinksForm.showing(link_policy.show_rules(g.actor)))


@blueprint.post("/links/change")
@freshly(Act.POLICY)
@requires(Permission.POLICY_EDIT)
def change_links() -> ResponseReturnValue:
    """Have other rules for links hold from now on; what they forbid ends."""
    form = LinksForm()
    if form.validate_on_submit():
        with shown_on(form):
            return _change_links(form)
    return _links_page(form)


def _change_links(form: LinksForm) -> ResponseReturnValue:
    version, ending = form.version.data or "", form.ending.data or 0
    try:
        ended = link_policy.change_rules(g.actor, form.rules(), version=version, ending=ending)
    except link_policy.WouldEndLinks as question:
        form.ending.data, form.ending.raw_data = question.links, None
        raise
    flash(f"The rules are changed. Links that ended by it: {ended}.", "success")
    return redirect(url_for("policy.links"))


def _links_page(form: LinksForm) -> ResponseReturnValue:
    form.version.data = link_policy.show_rules(g.actor).version
    return render_template("policy/links.html", form=form), shown_status(form)


def _form_page(
    form: PolicyForm, shown: service.Shown, choice: ChoiceForm | None = None
) -> ResponseReturnValue:
    form.version.data = shown.version
    needs_two = sorted(list_needing_two())
    page = render_template(
        "policy/index.html",
        form=form,
        shown=shown,
        role_names={key: role.name for key, role in form.roles.items() if not role.is_retired},
        choice=choice or ChoiceForm(formdata=None, kinds=needs_two),
        kinds=CHOOSABLE,
        needs_two=needs_two,
    )
    return page, shown_status(choice or form)
