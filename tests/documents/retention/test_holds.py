"""Legal holds by the pages: placed and released by officers, and known to nobody else."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import pytest

from portal.access.approvals.kinds import Kind
from portal.audit.actor import OPERATOR
from portal.auth.closing.service import ask_as_operator
from portal.core.errors import Conflict, NotFound
from portal.documents import purging
from portal.documents.closing import agree_with_operator
from portal.documents.retention.holding import place_hold
from portal.documents.retention.models import AnchorKind
from portal.documents.retention.things import Thing
from tests.access.asked import newest_act
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.links.sharing import link_of, make, opened
from tests.documents.retention.keeping import (
    done_by,
    end_holds,
    hold,
    is_there,
    later,
    told,
    trash,
    while_a_closing_begins,
    work,
)
from tests.documents.sharers import give
from tests.installation import Organisation

MATTER, REASON = "Sache Leuchtturm", "Ein Brief vom Gericht"


def place(acme: Organisation, who: str = "officer", **form: object):
    chosen = {"kind": "user", "email": acme["member"].email, "matter": MATTER, "reason": REASON}
    return acme.visit(who).post("/retention/holds/new", chosen | form)


def id_of(answer) -> UUID:
    return UUID(answer.location.rpartition("/")[2])


def second_officer(acme: Organisation) -> None:
    """The auditor is an officer as well."""
    give(acme, "auditor", "compliance-officer")


def want_two(acme: Organisation) -> None:
    chosen = {"kinds": str(Kind.RELEASE_HOLD)}
    assert acme.visit("admin").post("/policy/choice", chosen).status_code == 302


def test_a_hold_is_placed_shown_and_released(acme, globex) -> None:
    placed = place(acme)
    officer, path = acme.visit("officer"), f"/retention/holds/{id_of(placed)}"
    page = officer.get(path).text
    assert MATTER in page
    assert REASON in page
    assert acme["member"].name in page
    assert MATTER in officer.get("/retention/holds").text
    released = officer.post(f"{path}/release", {"reason": "It was settled."})
    assert released.status_code == 302
    assert "It was settled." in officer.get(path).text
    assert officer.post(f"{path}/release", {"reason": "Again"}).status_code == 409
    assert acme.told() == [("hold.placed", "success"), ("hold.released", "success")]
    assert globex.log() == []


def test_a_thing_is_held_once_for_a_matter(acme) -> None:
    placed = place(acme)
    held = live_holds(acme)
    assert place(acme).status_code == 409
    assert live_holds(acme) == held
    assert place(acme, matter="Another matter").status_code == 302
    path = f"/retention/holds/{id_of(placed)}/release"
    assert acme.visit("officer").post(path, {"reason": "It was settled."}).status_code == 302
    assert place(acme).status_code == 302


def test_what_says_why_is_sealed_and_in_no_entry(acme) -> None:
    place(acme)
    rows = repr(acme.portal.dump())
    assert MATTER not in rows
    assert REASON not in rows
    [entry] = told(acme, "hold.placed")
    assert entry["detail"] == {}, "an auditor may be the one who is held"


@on_sqlite
@pytest.mark.parametrize("thing", ["documents/{plan}", "folders/{folder}"])
def test_nothing_that_anybody_else_sees_changes(acme, clock, thing) -> None:
    """Page by page, without a hold and with one, through the trash and beyond its end, of what is
    trashed by itself or with its folder.
    """
    plan, folder, member = acme.documents["plan"], acme.folders["shared"], acme["member"].id
    things = {"plan": plan, "folder": folder, "member": member, "group": acme.groups["crew"]}

    def seen(links: dict[str, UUID]) -> list[tuple[int, str]]:
        answers = []
        for who in ("member", "admin", "guest", "auditor"):
            for path in PATHS:
                answer = acme.visit(who).get(path.format(**things, **links))
                answers.append((answer.status_code, plain(answer.text)))
        return answers

    without = stages(acme, clock, thing.format(**things), seen)
    assert not is_there(acme, plan)
    for kind, held in {"user": member, "folder": folder, "document": plan}.items():
        acme.portal.reset()
        clock.go_to(acme.portal.seeded_at)
        hold(acme, kind, held)
        assert stages(acme, clock, thing.format(**things), seen) == without, kind
        assert is_there(acme, plan)


PATHS = (
    "/documents",
    "/documents/folders/{folder}",
    "/documents/{plan}",
    "/documents/{plan}/access",
    "/documents/trash",
    "/folders/{folder}/access",
    "/account",
    "/account/activity",
    "/policy/documents",
    "/members",
    "/members/{member}",
    "/groups",
    "/groups/{group}",
    "/links",
    "/links/everybody",
    "/links/{link}",
    "/links/{of_folder}",
    "/requests",
    "/approvals",
    "/retention/holds",
    "/retention/next-run",
)


def stages(acme: Organisation, clock, thing: str, seen) -> list[list[tuple[int, str]]]:
    """What is seen before something is deleted, after, and when its time is over."""
    links = {"link": acme.links["plan"], "of_folder": used_link(acme)}
    target = f"folder:{acme.folders['shared']}"
    form = {"permission": "document:upload", "target": target, "reason": "for the audit"}
    assert acme.visit("guest").post("/requests/new", form).status_code == 302
    found = [seen(links)]
    trash(acme, thing)
    found.append(seen(links))
    later(acme, clock, days=31)
    work(acme)
    work(acme)  # once more, by when room is counted anew
    return [*found, seen(links)]


def used_link(acme: Organisation) -> UUID:
    """A link to the folder, by which a stranger has downloaded what lies there."""
    stranger, address = opened(acme, make(acme, "/links/folders/{shared}/new"))
    path = f"{address}/documents/{acme.documents['plan']}/download"
    assert stranger.get(path).status_code == 200
    return link_of(acme)


def plain(page: str) -> str:
    """A page without what differs from one time to the next: tokens, moments and ids."""
    return re.sub(r'(value|content)="[^"]*"|\d\d:\d\d|[0-9T:+-]{19,}|[0-9a-f-]{36}', "", page)


def test_two_officers_release_a_hold_where_that_is_wanted(acme) -> None:
    second_officer(acme)
    want_two(acme)
    held = id_of(place(acme))
    officer = acme.visit("officer")
    asked = officer.post(f"/retention/holds/{held}/release", {"reason": "It was settled."})
    assert asked.status_code == 302
    act, path = newest_act(acme), f"/retention/holds/{held}"
    assert "waits for a second officer" in officer.get(path).text
    assert officer.post(f"/approvals/{act}/approve").status_code == 403
    assert acme.visit("admin").get(f"/approvals/{act}").status_code == 403
    assert "Release a legal hold" not in acme.visit("admin").get("/approvals").text
    second = acme.visit("auditor")
    shown = second.get(f"/approvals/{act}").text
    assert "Release a legal hold" in shown
    assert all(words in shown for words in (MATTER, REASON, "It was settled."))
    assert second.post(f"/approvals/{act}/approve").status_code == 302
    assert "was released" in officer.get(path).text
    [released] = told(acme, "hold.released")
    assert released["actor_id"] == acme["auditor"].id
    assert released["detail"] == {"act": str(act), "asked_by": str(acme["officer"].id)}


def test_two_are_wanted_only_where_there_are_two(acme) -> None:
    answer = acme.visit("admin").post("/policy/choice", {"kinds": str(Kind.RELEASE_HOLD)})
    assert answer.status_code == 409
    assert "Nobody else here could agree" in answer.text


def test_nobody_releases_what_holds_themselves(acme) -> None:
    held = id_of(place(acme, email=acme["officer"].email))
    page = acme.visit("officer").get(f"/retention/holds/{held}").text
    assert "This hold is on you. Somebody else has to release it." in page
    assert f"/retention/holds/{held}/release" not in page
    answer = acme.visit("officer").post(f"/retention/holds/{held}/release", {"reason": "Please"})
    assert answer.status_code == 403
    second_officer(acme)
    want_two(acme)
    other = acme.visit("auditor")
    assert other.post(f"/retention/holds/{held}/release", {"reason": "Done"}).status_code == 302
    asked, officer = f"/approvals/{newest_act(acme)}", acme.visit("officer")
    page = officer.get(asked).text
    assert "This hold is on you. Somebody else has to release it." in page
    assert f"{asked}/approve" not in page
    assert f"{asked}/decline" in page
    assert officer.post(f"{asked}/approve").status_code == 403


@on_sqlite
@pytest.mark.parametrize(
    "form",
    [
        {"email": ""},
        {"kind": "folder"},
        {"kind": "document"},
        {"kind": "sky"},
        {"matter": "  "},
        {"reason": ""},
    ],
)
def test_a_hold_on_nothing_or_without_a_reason_is_refused(acme, form) -> None:
    assert place(acme, **form).status_code in (400, 422)
    assert told(acme, "hold.placed") == []


@on_sqlite
def test_a_hold_on_a_person_who_is_not_there_is_refused_at_the_e_mail(acme) -> None:
    answer = place(acme, email="nobody@acme.example")
    assert answer.status_code == 422
    assert "No member has this e-mail." in answer.text
    assert "Say w" not in answer.text


@on_sqlite
def test_what_is_anothers_is_not_held(acme, globex) -> None:
    foreign = globex.documents["plan"]
    answer = place(acme, kind="document", document=str(foreign))
    assert answer.status_code == 404
    assert (
        acme.visit("officer").get(f"/retention/holds/new?on=document:{foreign}").status_code == 404
    )
    assert acme.visit("officer").get("/retention/holds/new?on=nonsense").status_code == 404


def test_what_was_released_is_destroyed_by_the_next_run(acme, clock) -> None:
    plan = acme.documents["plan"]
    held = id_of(place(acme, kind="document", document=str(plan)))
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=31)
    work(acme)
    assert is_there(acme, plan)
    path = f"/retention/holds/{held}/release"
    assert acme.visit("officer").post(path, {"reason": "Settled"}).status_code == 302
    work(acme)
    assert not is_there(acme, plan)


def test_a_hold_on_somebody_is_on_what_they_uploaded_a_version_of(acme, clock) -> None:
    plan = acme.documents["plan"]
    give(acme, "auditor", "member")
    sent = acme.visit("auditor").put(f"/documents/{plan}/versions", b"another\n")
    assert sent.status_code == 201
    hold(acme, "user", acme["auditor"].id)
    for name in ("plan", "note"):
        trash(acme, f"documents/{acme.documents[name]}")
    later(acme, clock, days=31)
    work(acme)
    assert is_there(acme, plan)
    assert not is_there(acme, acme.documents["note"])


@on_postgresql
def test_a_hold_that_comes_while_a_closing_begins_is_refused(acme) -> None:
    """It had been let in, and waited for its turn."""
    end_holds(acme)
    answer = while_a_closing_begins(acme, "pg_advisory_xact_lock(", lambda: place(acme))
    assert (answer.status_code, "is closing" in answer.text) == (409, True)
    assert live_holds(acme) == []


def test_nothing_is_held_any_more_once_the_organisation_closes(acme) -> None:
    end_holds(acme)
    with acme.bound(writes=True):
        ask_as_operator(OPERATOR, "not paid")
    done_by(acme, "admin", agree_with_operator)
    thing = Thing(AnchorKind.DOCUMENT, acme.documents["note"])
    with pytest.raises(Conflict, match="is closing"):
        done_by(acme, "officer", place_hold, thing, MATTER, REASON)
    assert live_holds(acme) == []


def live_holds(acme: Organisation) -> list[object]:
    rows = acme.portal.rows("legal_hold")
    return [row for row in rows if row["tenant_id"] == acme.id and row["released_at"] is None]


@on_postgresql
def test_a_hold_that_comes_while_a_run_goes_on_finds_it_kept_or_gone(acme, clock) -> None:
    """Of a run and a hold at the same time one waits for the other."""
    note = acme.documents["note"]
    trash(acme, f"documents/{note}")
    later(acme, clock, days=31)
    begun = Event()

    def place_it() -> str:
        begun.wait()
        try:
            done_by(acme, "officer", place_hold, Thing(AnchorKind.DOCUMENT, note), "a", "b")
        except NotFound:
            return "not found"
        return "held"

    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(place_it)
        with acme.bound(writes=True):
            assert purging.purge_documents([note]).blob_ids
            begun.set()
            with pytest.raises(TimeoutError):
                outcome.result(timeout=0.3)
        assert outcome.result(timeout=10) == "not found"
    assert not is_there(acme, note)
