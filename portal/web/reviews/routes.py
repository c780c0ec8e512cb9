"""Access reviews: started, answered line by line, closed, and their signed reports."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.access.reviews import answers, closing, lines, queries, report, service
from portal.auth.assurance import Act
from portal.documents import reviews
from portal.documents.naming import folders_told
from portal.web.access import discloses, freshly, requires, signed_in
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place
from portal.web.request import request
from portal.web.reviews import reports
from portal.web.reviews.forms import AnswerForm, HandOverForm, ReviewForm, VerifyForm

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """What waits for one's own answer; for officers all reviews as well."""
    found = queries.find_reviews(g.actor, request.page)
    return render_template("reviews/index.html", own=queries.list_own(g.actor), found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.REVIEW_RUN)
def create() -> ResponseReturnValue:
    """Choose what is reviewed and by whom; see what that comes down to; start."""
    form, plan = ReviewForm(), None
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            if form.preview.data:
                plan = reviews.plan_review(g.actor, form.chosen())
            else:
                review = reviews.start_review(g.actor, form.chosen())
                flash("The review has started. Its reviewers are told by mail.", "success")
                return redirect(url_for("reviews.show", review_id=review.id))
    return render_template("reviews/new.html", form=form, plan=plan), shown_status(form)


@blueprint.get("/<uuid:review_id>")
@signed_in
def show(review_id: UUID) -> ResponseReturnValue:
    """One review: how far it is, and the lines that one was given oneself."""
    shown = queries.show_review(g.actor, review_id)
    page = request.page
    own = lines.list_own_lines(g.actor, review_id, page) if shown.own else None
    known = _known_folders(*own.lines) if own else ()
    return render_template(
        "reviews/show.html", shown=shown, own=own, known=known, form=AnswerForm()
    )


@blueprint.get("/<uuid:review_id>/next")
@signed_in
def next_line(review_id: UUID) -> ResponseReturnValue:
    """The next line that waits for one's own answer."""
    shown = queries.show_review(g.actor, review_id)
    line = lines.find_next_line(g.actor, review_id, request.args.get("after", 0, type=int))
    if line is None:
        return redirect(url_for("reviews.show", review_id=review_id))
    return render_template(
        "reviews/next.html",
        shown=shown,
        line=line,
        known=_known_folders(line),
        form=AnswerForm(),
    )


@blueprint.get("/<uuid:review_id>/lines")
@requires(Permission.REVIEW_RUN)
def all_lines(review_id: UUID) -> ResponseReturnValue:
    """All lines of a review, or some of them."""
    which = request.args.get("which", lines.Which.ALL, type=lines.Which)
    page = request.page
    found = lines.list_lines(g.actor, review_id, which, page)
    shown = queries.show_review(g.actor, review_id)
    known = _known_folders(*found.lines)
    return render_template("reviews/lines.html", shown=shown, found=found, known=known, which=which)


@blueprint.get("/lines/<uuid:line_id>")
@signed_in
def line(line_id: UUID) -> ResponseReturnValue:
    """One line with all that was answered about it."""
    return _line_page(line_id, AnswerForm(), HandOverForm())


@blueprint.post("/lines/<uuid:line_id>/answer")
@signed_in
def answer(line_id: UUID) -> ResponseReturnValue:
    """Keep or revoke."""
    form = AnswerForm()
    if form.validate_on_submit():
        with shown_on(form):
            comment = (form.comment.data or "").strip()
            answered = answers.answer_line(g.actor, line_id, form.chosen(), comment)
            return redirect(_after(answered))
    return _line_page(line_id, form, HandOverForm())


@blueprint.post("/lines/<uuid:line_id>/hand-over")
@requires(Permission.REVIEW_RUN)
def hand_over(line_id: UUID) -> ResponseReturnValue:
    """Give a line that has come to the officers to somebody else."""
    form = HandOverForm()
    if form.validate_on_submit():
        with shown_on(form):
            answers.hand_over(g.actor, line_id, str(form.email.data))
            flash("The line is handed over.", "success")
            return redirect(url_for("reviews.line", line_id=line_id))
    return _line_page(line_id, AnswerForm(), form)


@blueprint.route("/<uuid:review_id>/close", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.REVIEW_RUN)
def close(review_id: UUID) -> ResponseReturnValue:
    """Carry out what was decided, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            closing.close_review(g.actor, review_id)
            flash("The review is closed, and what it decided is done.", "success")
            return redirect(url_for("reviews.show", review_id=review_id))
    shown = queries.show_review(g.actor, review_id)
    revoked = lines.count_revoked(review_id)
    return render_template(
        "reviews/close.html", form=form, shown=shown, revoked=revoked
    ), shown_status(form)


@blueprint.route("/<uuid:review_id>/cancel", methods=["GET", "POST"])
@requires(Permission.REVIEW_RUN)
def cancel(review_id: UUID) -> ResponseReturnValue:
    """Call a review off, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.cancel_review(g.actor, review_id)
            flash("The review is called off. Nothing was revoked.", "success")
            return redirect(url_for("reviews.show", review_id=review_id))
    shown = queries.show_review(g.actor, review_id)
    return render_template("reviews/cancel.html", form=form, shown=shown), shown_status(form)


@blueprint.post("/<uuid:review_id>/stop")
@requires(Permission.REVIEW_RUN)
def stop(review_id: UUID) -> ResponseReturnValue:
    """Have a review repeated no more."""
    service.stop_repeating(g.actor, review_id)
    flash("No other review follows this one.", "success")
    return redirect(url_for("reviews.show", review_id=review_id))


@blueprint.get("/<uuid:review_id>/report")
@discloses
@requires(Permission.REVIEW_RUN)
def report_page(review_id: UUID) -> ResponseReturnValue:
    """The report as a page that needs nothing else, to be kept and printed."""
    found = report.fetch_report(g.actor, review_id, report.Form.HTML)
    page = render_template("reviews/report.html", **reports.page_facts(found))
    return reports.attachment(found, page.encode(), "text/html; charset=utf-8", "html")


@blueprint.get("/<uuid:review_id>/report/table")
@discloses
@requires(Permission.REVIEW_RUN)
def report_table(review_id: UUID) -> ResponseReturnValue:
    """The report for a spreadsheet."""
    found = report.fetch_report(g.actor, review_id, report.Form.CSV)
    text = report.csv_text(found).encode()
    return reports.attachment(found, text, "text/csv; charset=utf-8", "csv")


@blueprint.get("/<uuid:review_id>/report/signed")
@discloses
@requires(Permission.REVIEW_RUN)
def report_signed(review_id: UUID) -> Response:
    """The result with its signature."""
    found = report.fetch_report(g.actor, review_id, report.Form.SIGNED)
    return reports.attachment(found, report.signed_file(found), "application/json", "json")


@blueprint.route("/verify", methods=["GET", "POST"])
@requires(Permission.REVIEW_RUN)
def verify() -> ResponseReturnValue:
    """Whether a signed file is genuine."""
    form, verified = VerifyForm(), None
    if form.validate_on_submit():
        with shown_on(form):
            verified = report.verify_file(g.actor, str(form.text.data))
    return render_template("reviews/verify.html", form=form, verified=verified), shown_status(form)


def _line_page(line_id: UUID, form: AnswerForm, handing: HandOverForm) -> ResponseReturnValue:
    shown = lines.show_line(g.actor, line_id)
    page = render_template(
        "reviews/line.html",
        shown=shown,
        known=_known_folders(shown.line),
        form=form,
        handing=handing,
        with_officers=answers.is_with_officers(shown.line),
        may_be_handed_over=answers.may_be_handed_over(shown.line),
        may_decide=answers.may_decide(g.actor, shown.line),
    )
    return page, shown_status(form if form.errors or not handing.errors else handing)


def _known_folders(*of: Any) -> Collection[UUID]:
    """The folders of these lines that the reader may know by name; to review tells none."""
    return folders_told(g.actor, [line.folder_id for line in of])


def _after(answered: Any) -> str:
    """Where one goes on: to the next line, or back to the list at this one."""
    if request.args.get("walk"):
        return url_for("reviews.next_line", review_id=answered.review_id, after=answered.number)
    if answered.reviewer_id != g.actor.user_id:
        return url_for("reviews.all_lines", review_id=answered.review_id, which="officers")
    return url_for(
        "reviews.show",
        review_id=answered.review_id,
        page=request.args.get("page", type=int),
        _anchor=f"line-{answered.number}",
    )
