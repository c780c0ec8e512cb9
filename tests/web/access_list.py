"""Who gets what at every address of the portal, in one place. `test_sweep` compares it to what is.

An entry says who is let in and what each method then answers to an empty form, and names the things
that its address is about. Whoever is not let in gets what `refusal` says; a method that is not
listed is answered by 405 whoever asks.
"""

from dataclasses import dataclass, field

STRANGER, HALF = "stranger", "half"  # nobody; and somebody between the password and the code
MEMBERS = frozenset({"member", "guest", "auditor", "officer", "admin"})
EVERYBODY = MEMBERS | {STRANGER, HALF}

READERS = frozenset({"member", "guest", "auditor"})
WORKERS = frozenset({"member"})
ADMINS = frozenset({"admin"})
LOOKERS = frozenset({"admin", "officer", "auditor"})
WATCHERS = frozenset({"officer", "auditor"})
OFFICERS = frozenset({"officer"})
CARETAKERS = frozenset({"officer", "admin"})  # of keys
REVIEWERS = frozenset({"officer", "member"})  # who runs a review, and who was named in it
OFFICERS_NOT = {("officer", method): 403 for method in ("GET", "POST")}
OUTSIDE_REVIEWS = {(who, method): 403 for who in MEMBERS - REVIEWERS for method in ("GET", "POST")}

SAFE = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE, "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "LINK")


@dataclass(frozen=True)
class Entry:
    """One endpoint. `also` holds answers that are other for some who are let in."""

    let_in: frozenset[str]
    answers: dict[str, int]
    about: dict[str, str] = field(default_factory=dict)
    also: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def methods(self) -> set[str]:
        """What the endpoint takes, with what comes along by itself."""
        return {*self.answers, "OPTIONS", *(["HEAD"] if "GET" in self.answers else [])}


def on(kind: str, name: str) -> dict[str, str]:
    """What an address is about: the parameter `<kind>_id`, and the thing that tests have there."""
    return {f"{kind}_id": name}


def page(let_in: frozenset[str], about: dict[str, str] | None = None, **also: object) -> Entry:
    """Something to look at."""
    return Entry(let_in, {"GET": 200}, about or {}, **also)


def form(let_in: frozenset[str], about: dict[str, str] | None = None, *, empty: int = 422) -> Entry:
    """A page with a form, which is wrong when it is sent empty; or a question, which is not."""
    return Entry(let_in, {"GET": 200, "POST": empty}, about or {})


def act(let_in: frozenset[str], about: dict[str, str] | None = None, *, empty: int = 302) -> Entry:
    """A button."""
    return Entry(let_in, {"POST": empty}, about or {})


# What other programs send, without a form of ours: it proves itself by what it brings.
BY_PROGRAMS = frozenset({"sso.backchannel_logout"})
QUESTION = 302  # a confirmation has no field that could be missing: sent is meant

ACCESS = {
    "home.index": Entry(EVERYBODY, {"GET": 302}),
    "home.healthz": page(EVERYBODY),
    "home.readyz": page(EVERYBODY),
    "static": page(EVERYBODY, {"filename": "portal.css"}),
    "bootstrap.static": page(EVERYBODY, {"filename": "css/bootstrap.min.css"}),
    # Signing in. Who is inside already is sent on.
    "auth.sign_in": Entry(
        EVERYBODY, {"GET": 200, "POST": 422}, also={(who, "GET"): 302 for who in MEMBERS}
    ),
    "auth.code": Entry(
        MEMBERS | {HALF},
        {"GET": 200, "POST": 422},
        also={(who, method): 302 for who in MEMBERS for method in ("GET", "POST")},
    ),
    "auth.recovery_code": Entry(
        MEMBERS | {HALF},
        {"GET": 200, "POST": 422},
        also={(who, method): 302 for who in MEMBERS for method in ("GET", "POST")},
    ),
    "auth.passkey_sign_in": Entry(
        EVERYBODY, {"GET": 200, "POST": 422}, also={(who, "GET"): 302 for who in MEMBERS}
    ),
    "auth.begin_passkey_sign_in": act(EVERYBODY, empty=200),
    "auth.begin_passkey_code": Entry(  # nobody has a passkey here
        MEMBERS | {HALF}, {"POST": 409}, also={(who, "POST"): 302 for who in MEMBERS}
    ),
    "auth.begin_passkey_enrol": Entry(
        MEMBERS | {HALF}, {"POST": 409}, also={(who, "POST"): 302 for who in MEMBERS}
    ),
    "auth.begin_passkey_step_up": act(MEMBERS, empty=409),
    "auth.enrol": Entry(  # everybody has an authenticator here
        MEMBERS | {HALF}, {"GET": 302, "POST": 302}, also={(who, "POST"): 302 for who in MEMBERS}
    ),
    "auth.renew_password": Entry(  # nobody's password is too old here
        MEMBERS | {HALF}, {"GET": 302, "POST": 302}, also={(who, "POST"): 302 for who in MEMBERS}
    ),
    "auth.step_up": Entry(MEMBERS, {"GET": 200, "POST": 401}),
    "auth.sign_out": act(MEMBERS | {HALF}),
    "auth.accept": form(EVERYBODY, {"token": "of the invited"}),
    "auth.forgot": form(EVERYBODY),
    "auth.reset": form(EVERYBODY, {"token": "of the forgetful"}),
    # One's own account.
    "account.index": page(MEMBERS),
    "account.activity": page(MEMBERS),
    "account.password": form(MEMBERS),
    "account.end_session": act(MEMBERS, on("session", "own")),
    "account.end_other_sessions": act(MEMBERS),
    "account.security": page(MEMBERS),
    "account.new_authenticator": form(MEMBERS),
    "account.new_passkey": form(MEMBERS),
    "account.begin_passkey": act(MEMBERS, empty=200),
    "account.rename_factor": form(MEMBERS, on("factor", "own")),
    "account.remove_factor": form(MEMBERS, on("factor", "own"), empty=409),  # it is the only one
    "account.recovery_codes": form(MEMBERS, empty=200),  # shows them
    # Documents. The guest holds a role on the folder "shared" alone.
    "documents.index": page(READERS),
    "documents.folder": page(READERS, on("folder", "shared")),
    "documents.archive": page(READERS, on("folder", "shared")),
    "documents.show": page(READERS, on("document", "plan")),
    "documents.download": page(READERS, on("document", "plan")),
    "documents.view": page(READERS, on("document", "plan")),
    "documents.preview": page(READERS, on("document", "plan")),
    "documents.access": page(  # an admin may know who, but not what a document is called
        WORKERS | LOOKERS, on("document", "plan"), also={("admin", "GET"): 403}
    ),
    "documents.upload": Entry(WORKERS, {"PUT": 400}),  # without a name
    "documents.upload_version": Entry(WORKERS, {"PUT": 201}, on("document", "plan")),
    "documents.upload_form": act(WORKERS, empty=415),  # it has to be one with files
    "documents.upload_version_form": act(WORKERS, on("document", "plan"), empty=415),
    "documents.broken_off": page(WORKERS),
    "documents.begin_upload": Entry(WORKERS, {"POST": 412}),  # which version of tus?
    "documents.resume_upload": Entry(
        WORKERS, {"HEAD": 404, "PATCH": 404, "DELETE": 404}, on("upload", "none")
    ),
    "documents.rename": form(WORKERS, on("document", "plan")),
    "documents.note": form(WORKERS, {**on("document", "plan"), **on("version", "plan")}, empty=302),
    "documents.restore_older": form(  # it is the newest
        WORKERS, {**on("document", "plan"), **on("version", "plan")}, empty=409
    ),
    "documents.compare": page(READERS, on("document", "plan")),
    "documents.copy": form(WORKERS, on("document", "plan")),  # no place is chosen
    "documents.move": form(WORKERS, on("document", "plan")),
    "documents.delete": form(WORKERS, on("document", "plan"), empty=QUESTION),
    "documents.move_many": act(WORKERS, empty=400),  # nothing is chosen
    "documents.undo_move": act(WORKERS, empty=404),  # no move is named
    "documents.delete_many": act(WORKERS, empty=400),
    "documents.copy_many": act(WORKERS, empty=400),
    "documents.download_many": act(READERS, empty=400),
    "documents.star_many": act(READERS, empty=400),
    "documents.restore_many": act(WORKERS, empty=400),
    "documents.star": act(READERS, on("document", "plan")),
    "documents.unstar": act(READERS, on("document", "plan")),
    "documents.starred": page(READERS),
    "documents.recent": page(READERS),
    "documents.search": form(READERS, empty=200),
    "documents.trash": page(WORKERS),
    "documents.restore": act(WORKERS, on("document", "plan"), empty=409),  # it is not in the trash
    "documents.purge": Entry(  # it is not in the trash
        WORKERS, {"GET": 409, "POST": 409}, on("document", "plan")
    ),
    "folders.create": act(WORKERS, empty=422),
    "folders.rename": form(WORKERS, on("folder", "shared")),
    "folders.move": form(WORKERS, on("folder", "shared")),
    "folders.delete": form(WORKERS, on("folder", "shared"), empty=QUESTION),
    "folders.restore": act(WORKERS, on("folder", "shared"), empty=409),
    "folders.purge": Entry(WORKERS, {"GET": 409, "POST": 409}, on("folder", "shared")),
    # Who can open it. To share, one has to be its owner, which nobody is here, or an admin.
    "folders.access": page(WORKERS | LOOKERS, on("folder", "shared")),
    "folders.share": act(ADMINS, on("folder", "shared"), empty=422),
    "folders.unshare": form(
        ADMINS, on("folder", "shared") | on("assignment", "guest"), empty=QUESTION
    ),
    "folders.change_share_end": form(  # sent empty it is the end that it has
        ADMINS, on("folder", "shared") | on("assignment", "guest"), empty=409
    ),
    # Links by which people outside are let in. The member has made one.
    "links.index": page(WORKERS | LOOKERS, also={(who, "GET"): 302 for who in LOOKERS}),
    "links.everybody": page(LOOKERS),
    "links.show": page(WORKERS | LOOKERS, on("link", "plan")),
    "links.share_document": form(WORKERS, on("document", "plan")),
    "links.share_folder": form(WORKERS, on("folder", "shared")),
    "links.request_files": form(WORKERS, on("folder", "shared")),
    "links.change_end": form(WORKERS, on("link", "plan"), empty=302),  # the usual end
    "links.revoke": form(WORKERS | {"admin", "officer"}, on("link", "plan"), empty=QUESTION),
    "links.revoke_all": form(frozenset({"admin", "officer"}), on("user", "member"), empty=QUESTION),
    # What strangers see by one. Nobody has opened it here, so whoever comes finds nothing.
    "shared.open_link": form(EVERYBODY),
    "shared.show": Entry(EVERYBODY, {"GET": 404}, on("link", "plan")),
    "shared.password": Entry(EVERYBODY, {"GET": 404, "POST": 404}, on("link", "plan")),
    "shared.ask_code": Entry(EVERYBODY, {"GET": 404, "POST": 404}, on("link", "plan")),
    "shared.give_code": Entry(EVERYBODY, {"GET": 404, "POST": 404}, on("link", "plan")),
    "shared.enter": act(EVERYBODY, on("link", "plan"), empty=404),
    "shared.send": act(EVERYBODY, on("link", "plan"), empty=404),
    "shared.folder": Entry(EVERYBODY, {"GET": 404}, on("link", "plan") | on("folder", "shared")),
    "shared.document": Entry(EVERYBODY, {"GET": 404}, on("link", "plan") | on("document", "plan")),
    "shared.download": Entry(EVERYBODY, {"GET": 404}, on("link", "plan") | on("document", "plan")),
    "shared.picture": Entry(EVERYBODY, {"GET": 404}, on("link", "plan") | on("document", "plan")),
    # Members.
    "members.index": page(LOOKERS),
    "members.show": page(LOOKERS, on("user", "member")),
    "members.create": form(ADMINS),
    "members.invite_again": act(ADMINS, on("user", "invited"), empty=200),  # shows the new link
    "members.import_table": form(ADMINS),
    "members.assign_role": act(ADMINS, on("user", "member"), empty=422),
    "members.remove_role": form(
        ADMINS, on("user", "member") | on("assignment", "member"), empty=QUESTION
    ),
    "members.change_end": form(
        ADMINS, on("user", "member") | on("assignment", "member"), empty=409
    ),
    "members.rename": form(ADMINS, on("user", "member")),
    "members.deactivate": form(ADMINS, on("user", "member"), empty=QUESTION),
    "members.reactivate": act(ADMINS, on("user", "deactivated")),
    "members.reset_factors": form(ADMINS, on("user", "member"), empty=QUESTION),
    "members.end_session": act(ADMINS, on("user", "member") | on("session", "member")),
    "members.end_sessions": form(ADMINS, on("user", "member"), empty=QUESTION),
    # Groups. "Crew" holds a role, and the one who is in it can't sign in.
    "groups.index": page(LOOKERS),
    "groups.show": page(LOOKERS, on("group", "crew")),
    "groups.create": form(ADMINS),
    "groups.edit": form(ADMINS, on("group", "crew")),
    "groups.delete": form(ADMINS, on("group", "crew"), empty=QUESTION),
    "groups.add": form(ADMINS, on("group", "crew")),
    "groups.remove": form(ADMINS, on("group", "crew") | on("user", "deactivated"), empty=QUESTION),
    "groups.assign_role": act(ADMINS, on("group", "crew"), empty=422),
    "groups.remove_role": form(
        ADMINS, on("group", "crew") | on("assignment", "of the crew"), empty=QUESTION
    ),
    "groups.change_end": form(
        ADMINS, on("group", "crew") | on("assignment", "of the crew"), empty=409
    ),
    "groups.source": form(ADMINS, on("group", "crew"), empty=409),  # as it is
    # Roles. The archivist is one of the organisation's own, which nobody holds.
    "roles.index": page(LOOKERS),
    "roles.show": page(LOOKERS, {"role_key": "archivist"}),
    "roles.create": form(ADMINS),
    "roles.edit": page(ADMINS, {"role_key": "archivist"}),
    "roles.preview": Entry(ADMINS, {"GET": 302}, {"role_key": "archivist"}),  # of nothing
    "roles.change": act(ADMINS, {"role_key": "archivist"}, empty=422),
    "roles.retire": form(ADMINS, {"role_key": "archivist"}),
    "roles.restore": act(ADMINS, {"role_key": "archivist"}, empty=409),  # it is not retired
    "roles.exclusive": page(LOOKERS),
    "roles.add_exclusive": act(ADMINS, empty=422),
    "roles.remove_exclusive": form(ADMINS, on("pair", "own"), empty=QUESTION),
    # The second admin has asked to remove the auditor's factors, and alone can take that back.
    # Officers may agree to other acts, and not to this one.
    "approvals.index": page(ADMINS | OFFICERS),  # officers agree to releasing holds
    "approvals.show": page(ADMINS | OFFICERS, on("act", "auditor"), also=OFFICERS_NOT),
    "approvals.approve": Entry(
        ADMINS | OFFICERS, {"POST": 302}, on("act", "auditor"), also=OFFICERS_NOT
    ),
    "approvals.decline": Entry(
        ADMINS | OFFICERS, {"POST": 302}, on("act", "auditor"), also=OFFICERS_NOT
    ),
    "approvals.withdraw": act(ADMINS | OFFICERS, on("act", "auditor"), empty=403),
    # Everybody has asked for something. Only admins decide here: nobody owns a folder.
    "requests.index": page(MEMBERS),
    "requests.create": act(MEMBERS, empty=422),
    "requests.show": page(ADMINS, on("request", "guest")),
    "requests.approve": act(ADMINS, on("request", "guest"), empty=422),
    "requests.decline": act(ADMINS, on("request", "guest")),
    "requests.withdraw": act(MEMBERS, on("request", "own")),
    # Whether contents are what was stored.
    "health.index": page(WATCHERS),
    # Access reviews. The member is to review the auditor's role, and has reviewed the guest's.
    "reviews.index": page(MEMBERS),
    "reviews.create": form(OFFICERS),
    "reviews.show": page(MEMBERS, on("review", "open"), also=OUTSIDE_REVIEWS),
    "reviews.next_line": page(  # the officer has nothing to answer
        MEMBERS, on("review", "open"), also=OUTSIDE_REVIEWS | {("officer", "GET"): 302}
    ),
    "reviews.all_lines": page(OFFICERS, on("review", "open")),
    "reviews.line": page(MEMBERS, on("line", "open"), also=OUTSIDE_REVIEWS),
    "reviews.answer": Entry(MEMBERS, {"POST": 422}, on("line", "open"), also=OUTSIDE_REVIEWS),
    "reviews.hand_over": act(OFFICERS, on("line", "open"), empty=422),
    "reviews.close": form(OFFICERS, on("review", "open"), empty=409),  # not all is answered
    "reviews.cancel": form(OFFICERS, on("review", "open"), empty=QUESTION),
    "reviews.stop": act(OFFICERS, on("review", "open"), empty=409),  # it is not repeated
    "reviews.report_page": page(OFFICERS, on("review", "closed")),
    "reviews.report_table": page(OFFICERS, on("review", "closed")),
    "reviews.report_signed": page(OFFICERS, on("review", "closed")),
    "reviews.verify": form(OFFICERS),
    # What is kept. There is a rule, a hold on somebody who was invited, and a request that waits.
    "retention.index": Entry(ADMINS | OFFICERS, {"GET": 302}),
    "retention.rules": page(OFFICERS),
    "retention.create_rule": form(OFFICERS),
    "retention.edit_rule": form(OFFICERS, on("rule", "own")),
    "retention.delete_rule": form(OFFICERS, on("rule", "own"), empty=QUESTION),
    "retention.holds": page(OFFICERS),
    "retention.create_hold": form(OFFICERS),
    "retention.show_hold": page(OFFICERS, on("hold", "own")),
    "retention.release_hold": form(OFFICERS, on("hold", "own")),
    "retention.plan": page(OFFICERS),
    "retention.plan_table": page(OFFICERS),
    "retention.document": page(OFFICERS, on("document", "plan")),
    "retention.bring_document_back": form(
        OFFICERS, on("document", "plan"), empty=409
    ),  # it is there
    "retention.folder": page(OFFICERS, on("folder", "shared")),
    "retention.erasures": page(ADMINS | OFFICERS),
    "retention.create_erasure": form(ADMINS | OFFICERS),
    "retention.show_erasure": page(ADMINS | OFFICERS, on("erasure", "own")),
    "retention.decide_erasure": act(OFFICERS, on("erasure", "own"), empty=422),
    "retention.withdraw_erasure": Entry(
        OFFICERS, {"GET": 302, "POST": 409}, on("erasure", "own")
    ),  # it is not granted yet
    # The policy of signing in.
    "policy.index": page(LOOKERS),
    "policy.preview": Entry(ADMINS, {"GET": 302}),  # of nothing: to where one fills it in
    "policy.change": act(ADMINS, empty=422),
    "policy.choose": act(ADMINS, empty=409),  # two people are wanted for nothing already
    "policy.people": page(LOOKERS),
    "policy.checklist": page(ADMINS),
    # The keys, which nobody has rotated, and closing the organisation, which nobody wants.
    "keys.index": page(LOOKERS),
    "keys.rotate": act(CARETAKERS),
    "keys.choose": act(CARETAKERS),  # never by itself
    "keys.rotate_signing": act(CARETAKERS),
    "closing.index": page(CARETAKERS),
    "closing.ask": act(ADMINS, empty=422),
    "closing.agree": act(CARETAKERS, empty=409),
    "closing.take_back": act(ADMINS, empty=409),
    "policy.documents": page(LOOKERS),
    "policy.change_documents": act(ADMINS, empty=400),  # no kind at all
    "policy.links": page(LOOKERS),
    "policy.change_links": act(ADMINS, empty=422),
    # Single sign-on. The provider here is not offered, and can't be reached.
    "sso.index": page(ADMINS),
    "sso.show": page(ADMINS, on("provider", "nowhere")),
    "sso.create": form(ADMINS),
    "sso.edit": form(ADMINS, on("provider", "nowhere")),
    "sso.delete": form(ADMINS, on("provider", "nowhere"), empty=QUESTION),
    "sso.offer": act(ADMINS, on("provider", "nowhere"), empty=409),
    "sso.withdraw": act(ADMINS, on("provider", "nowhere"), empty=409),
    "sso.test": act(ADMINS, on("provider", "nowhere"), empty=400),
    "sso.begin": act(EVERYBODY, empty=404),
    "sso.callback": Entry(EVERYBODY, {"GET": 400}),  # begun by nobody
    "sso.signed_out": page(EVERYBODY),
    "sso.backchannel_logout": act(EVERYBODY, empty=400),
    "sso.links": page(MEMBERS),
    "sso.link": act(MEMBERS, empty=404),
    "sso.unlink": form(MEMBERS, on("identity", "own"), empty=QUESTION),
    "sso.step_up": act(MEMBERS, empty=404),
    "sso.enforce": form(ADMINS, empty=409),
    "sso.release": form(ADMINS, empty=409),
    "sso.break_the_glass": form(EVERYBODY),
    # The audit log.
    # Why somebody may do something, and who could (tests/web/things.py has the questions).
    "explain.index": page(LOOKERS),
    "explain.own": page(MEMBERS),
    "explain.reach": page(WATCHERS),
    "explain.export": page(WATCHERS),
    "alerts.index": page(WATCHERS),
    "alerts.show": page(WATCHERS, on("alert", "own")),
    "alerts.acknowledge": act(OFFICERS, on("alert", "own"), empty=422),
    "alerts.rules": page(WATCHERS),
    "alerts.create_rule": form(OFFICERS),
    "alerts.edit_rule": form(OFFICERS, on("rule", "of alerts")),
    "alerts.switch_rule": form(OFFICERS, on("rule", "of alerts"), empty=QUESTION),
    "alerts.delete_rule": form(OFFICERS, on("rule", "of alerts"), empty=QUESTION),
    "alerts.hours": form(OFFICERS),
    "audit.index": page(WATCHERS),
    "audit.charts": page(WATCHERS),
    "audit.live": Entry(WATCHERS, {"GET": 302}),  # to the view that was begun
    "audit.watch": Entry(WATCHERS, {"GET": 404}, on("reading", "none")),
    "audit.events": Entry(WATCHERS, {"GET": 404}, on("reading", "none")),
    "audit.searches": page(WATCHERS),
    "audit.new_search": form(WATCHERS),
    "audit.edit_search": Entry(WATCHERS, {"GET": 404, "POST": 404}, on("search", "none")),
    "audit.delete_search": Entry(WATCHERS, {"GET": 404, "POST": 404}, on("search", "none")),
    "audit.document_timeline": page(WATCHERS, on("document", "note")),
    "audit.person_timeline": page(WATCHERS, on("user", "member")),
    "audit.exports": form(OFFICERS),
    "audit.download": page(OFFICERS, on("export", "own")),
    "audit.show": page(WATCHERS, on("entry", "first")),
    "audit.proof": form(WATCHERS),
    "audit.prove": page(WATCHERS, on("entry", "first")),
    # Where it is sent. The destination here is a webhook that nobody answers, and is not started.
    "audit.destinations": page(OFFICERS),
    "audit.create_destination": form(OFFICERS, {"kind": "webhook"}),
    "audit.destination": page(OFFICERS, on("destination", "own")),
    "audit.edit_destination": form(OFFICERS, on("destination", "own")),
    "audit.test_destination": act(OFFICERS, on("destination", "own"), empty=200),
    "audit.start_destination": act(OFFICERS, on("destination", "own")),
    "audit.stop_destination": act(OFFICERS, on("destination", "own"), empty=409),
    "audit.renew_secret": form(OFFICERS, on("destination", "own"), empty=200),
    "audit.retention": page(OFFICERS),
    "audit.choose_log_retention": form(OFFICERS, empty=409),
    "audit.restart_stream": form(OFFICERS, on("destination", "own")),
    "audit.delete_destination": form(OFFICERS, on("destination", "own"), empty=QUESTION),
    # Reports. The officer may make all of them, the auditor this one.
    "reports.index": page(WATCHERS),
    "reports.controls": page(WATCHERS),
    "reports.make_page": act(WATCHERS, {"report": "sign-ins"}, empty=200),
    "reports.make_table": act(WATCHERS, {"report": "sign-ins"}, empty=200),
    "reports.statement": Entry(  # that entry is about no report
        WATCHERS, {"GET": 404}, on("entry", "first")
    ),
    "reports.about_me": page(MEMBERS),
    "reports.fetch_own": act(MEMBERS, empty=200),
    "reports.fetch_person": form(OFFICERS, on("user", "member")),
    "reports.verify": act(WATCHERS, empty=415),  # it has to be one with files
}


def expected(endpoint: str, who: str, method: str) -> tuple[int, str]:
    """The status for somebody, and where a refusal leads to ("" for nowhere, or wherever)."""
    entry = ACCESS[endpoint]
    if method not in entry.methods:
        return 405, ""
    if who not in entry.let_in:
        return refusal(who, method)
    if method == "OPTIONS":
        # Whoever is past the sign-in is sent on from there before anything else is looked at.
        return (302, "/") if entry.also.get((who, "POST")) == 302 else (200, "")
    as_if = "GET" if method == "HEAD" and "GET" in entry.answers else method
    return entry.also.get((who, as_if), entry.answers[as_if]), ""


def refusal(who: str, method: str) -> tuple[int, str]:
    """What somebody gets who is not let in."""
    if who in MEMBERS:
        return 403, ""
    if method not in SAFE:
        return 401, ""
    return 302, "/auth/sign-in?next=" if who == STRANGER else "/auth/code"
