"""No service changes anything without an entry: followed through the code, so that one which is new
is looked at on the day it is written. That it is exactly one, `tests/audit` tries out.
"""

from tests.architecture.calls import RECORDING, Calls, changes_rows

# What the pages and commands call that changes rows, and leaves no entry by itself.
WITHOUT_AN_ENTRY = {
    # The log's own numbers, nodes and checkpoints: they are of entries.
    "portal.evidence.checkpoints.remember_newest",
    "portal.evidence.rounds.end_check",
    "portal.evidence.rounds.save_progress",
    "portal.audit.tlog.numbering.commit",
    "portal.audit.tlog.numbering.number_waiting",
    "portal.audit.tlog.tiles.add_nodes",
    # How far the log's destinations have got: an entry for it would have to be sent as well.
    "portal.destinations.deliveries.offer_checkpoint",
    "portal.destinations.stream.acknowledge",
    "portal.destinations.stream.take_batch",
    # A question that lapses, here or at a provider; the answer to it is recorded.
    "portal.auth.enrolment.ask_for_passkey",
    "portal.auth.passkeys.ask_anybody",
    "portal.auth.passkeys.ask_owner",
    "portal.auth.sso.journeys.depart",
    "portal.auth.sso.journeys.take_up",
    # When a session was last used; and one's end or beginning, which whoever asks for it records.
    "portal.auth.sessions.end_sessions_of",
    "portal.auth.sessions.open_session",
    "portal.auth.sessions.touch_session",
    # Mail, whose cause is recorded where it happens.
    "portal.alerts.log_notices.tell_of_broken_log",
    "portal.auth.review_notices.tell_of_reviews",
    "portal.outbox.service.run_due",
    # Rounds of reading back: what is taken up, and what goes back. Each round's end is recorded.
    "portal.documents.integrity.rounds.begin",
    "portal.documents.integrity.rounds.give_back",
    "portal.documents.integrity.rounds.take_due",
    # Parts of what a command does, which records the whole.
    "portal.keys.rewrapping.rewrap",
    "portal.keys.service.create_tenant_key",
    "portal.storage.chosen.settle_in",
    "portal.tenancy.service.change_state",
    "portal.tenancy.service.create_tenant",
}


def test_what_changes_something_leaves_an_entry() -> None:
    calls = Calls()
    changing = {name for name, found in calls.definitions.items() if changes_rows(found)}
    asked = calls.called_by("portal.web", "portal.cli") & calls.callers_of(changing)
    assert len(asked) > 150, "names are followed"
    assert asked - calls.callers_of(RECORDING) == WITHOUT_AN_ENTRY
