"""What somebody sees who comes back from a provider, by what they went there for."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.auth.live_sessions import SessionEnded
from portal.auth.sso import arrivals, queries, trials
from portal.auth.sso.journeys import Journey, Purpose, Vouched, arrive
from portal.auth.sso.refusals import SsoRefused
from portal.core.errors import NotFound
from portal.web import cookies
from portal.web.lifecycle import refuse
from portal.web.onward import ask_for_factor, let_in
from portal.web.request import request
from portal.web.sso.leaving import COOKIE, failed_page, given_addresses
from portal.web.urls import path_or_home


def finish(journey: Journey) -> ResponseReturnValue:
    """Hear what the provider says, and do what follows from it."""
    if journey.purpose == Purpose.TEST:
        return _end_trial(journey)
    try:
        vouched = arrive(journey, _answer(), [])
        return FINISH[journey.purpose](journey, vouched)
    except (SsoRefused, NotFound, SessionEnded) as error:
        refuse(error)
        return failed_page(error)


def _finish_sign_in(journey: Journey, vouched: Vouched) -> ResponseReturnValue:
    entry = arrivals.sign_in(g.actor, vouched, user_agent=request.user_agent.string)
    return _enter(entry, journey.then)


def _finish_invitation(journey: Journey, vouched: Vouched) -> ResponseReturnValue:
    entry = arrivals.accept(
        g.actor, vouched, journey.carried["invitation"], user_agent=request.user_agent.string
    )
    return _enter(entry, "")


def _finish_link(_journey: Journey, vouched: Vouched) -> ResponseReturnValue:
    arrivals.link(g.actor, vouched)
    flash(f"You can sign in with {vouched.registration.name} from now on.", "success")
    return cookies.forget(redirect(url_for("sso.links")), COOKIE)


def _finish_step_up(journey: Journey, vouched: Vouched) -> ResponseReturnValue:
    g.actor = arrivals.prove(g.actor, vouched)
    if journey.then or not journey.carried["address"]:
        return redirect(path_or_home(journey.then))
    return render_template(
        "sso/resume.html", address=journey.carried["address"], fields=journey.carried["fields"]
    )


FINISH = {
    Purpose.SIGN_IN: _finish_sign_in,
    Purpose.INVITATION: _finish_invitation,
    Purpose.LINK: _finish_link,
    Purpose.STEP_UP: _finish_step_up,
}


def _answer() -> list[tuple[str, str]]:
    """What came along, with whatever came twice."""
    return list(request.args.items(multi=True))


def _enter(entry: arrivals.Entry, then: str) -> ResponseReturnValue:
    go_on = let_in if entry.is_complete else ask_for_factor
    return cookies.forget(go_on(entry.token, then), COOKIE)


def _end_trial(journey: Journey) -> ResponseReturnValue:
    steps: list[str] = []
    provider_id = UUID(journey.provider_id)
    try:
        vouched = arrive(journey, _answer(), steps)
        return trial_page(provider_id, steps, trial=trials.end_trial(g.actor, vouched))
    except SsoRefused as error:
        refuse(error)
        return trial_page(provider_id, steps, error=error)


def trial_page(
    provider_id: UUID,
    steps: list[str],
    *,
    trial: trials.Trial | None = None,
    error: SsoRefused | None = None,
) -> ResponseReturnValue:
    """The steps of a test sign-in, and what it came to."""
    return render_template(
        "sso/trial.html",
        provider=queries.get_provider(g.actor, provider_id),
        steps=steps,
        trial=trial,
        error=error,
        addresses=given_addresses(),
    ), 200 if error is None else error.status
