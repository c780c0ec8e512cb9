"""The proof of the log: its newest checkpoint to be kept elsewhere, the proof of an entry as a
file, and whether a proof that somebody brings is one.
"""

from uuid import UUID

from flask import Response, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES
from portal.evidence import proving
from portal.web.access import discloses, only_asks, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import ProofForm
from portal.web.headers import DOWNLOAD_POLICY
from portal.web.lifecycle import shown_on, shown_status


@blueprint.route("/proof", methods=["GET", "POST"])
@only_asks
@requires(Permission.AUDIT_READ)
def proof() -> ResponseReturnValue:
    """The newest checkpoint, and a form for a proof that somebody brings."""
    form, verified = ProofForm(), None
    if form.validate_on_submit():
        with shown_on(form):
            verified = proving.verify_proof(g.actor, form.proof())
    page = render_template(
        "audit/proof.html",
        form=form,
        verified=verified,
        evidence=proving.show_evidence(g.actor),
        sentences=SENTENCES,
    )
    return page, shown_status(form)


@blueprint.get("/<uuid:entry_id>/proof")
@discloses
@requires(Permission.AUDIT_READ)
def prove(entry_id: UUID) -> Response:
    """The proof of an entry, for others to verify."""
    found = proving.prove_entry(g.actor, entry_id)
    response = Response(str(found), content_type="text/plain; charset=utf-8")
    name = f"entry-{found.number}.tlog-proof"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response
