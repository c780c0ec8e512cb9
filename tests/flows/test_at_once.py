"""What is taken away is gone with the very next request: nothing about rights outlives one."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest

from portal.auth.assurance import Factor
from portal.auth.closing.models import Closing
from portal.auth.policy.models import SignInPolicy
from portal.auth.tokens import hash_token
from portal.core import clock
from portal.tenancy.models import TenantState
from portal.tenancy.queries import find_tenant
from portal.tenancy.service import change_state
from tests.audit.day.marks import CONTENT, NEW_PASSWORD
from tests.documents.resuming import Sender
from tests.installation import PASSWORD, Organisation


def suspend(acme: Organisation, state: TenantState = TenantState.SUSPENDED) -> None:
    with acme.portal.app.app_context():
        found = find_tenant(acme.record.slug)
    change_state(acme.portal.settings.owner_database_url, found, state)


def take_role(acme: Organisation, who: str) -> None:
    held = [r for r in acme.portal.rows("role_assignment") if r["user_id"] == acme[who].id]
    for assignment in held:
        path = f"/members/{acme[who].id}/roles/{assignment['id']}/remove"
        assert acme.visit("admin").post(path).status_code == 302


def deactivate(acme: Organisation, who: str) -> None:
    assert acme.visit("admin").post(f"/members/{acme[who].id}/deactivate").status_code == 302


def reset_factor(acme: Organisation, who: str) -> None:
    assert acme.visit("admin").post(f"/members/{acme[who].id}/reset-factors").status_code == 302


def trash_the_folder(acme: Organisation, who: str) -> None:
    path = f"/folders/{acme.folders['shared']}/delete"
    assert acme.visit("member").post(path).status_code == 302


def change_password(acme: Organisation, who: str) -> None:
    """In another browser of the person's own."""
    other = acme.visit()
    other.submit("/auth/sign-in", email=acme[who].email, password=PASSWORD)
    other.submit("/auth/code", code=acme[who].code)
    form = {"present": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    changed = acme.portal.visit(acme.host, other.cookie("session")).post("/account/password", form)
    assert changed.status_code == 302


def replace_forgotten_password(acme: Organisation, _who: str) -> None:
    path = acme.reset_link.partition("8000")[2]
    form = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert acme.visit().post(path, form).status_code == 302


def end_session(acme: Organisation, who: str) -> None:
    own = hash_token(acme[who].token)
    rows = acme.portal.rows("user_session")
    [session] = [row["id"] for row in rows if bytes(row["token_hash"]) == own]
    path = f"/members/{acme[who].id}/sessions/{session}/end"
    assert acme.visit("admin").post(path).status_code == 302


def end_all_sessions(acme: Organisation, who: str) -> None:
    assert acme.visit("admin").post(f"/members/{acme[who].id}/sessions/end").status_code == 302


def shut_passwords_out(acme: Organisation, _who: str) -> None:
    with acme.bound(writes=True) as session:
        session.add(
            SignInPolicy(
                id=acme.id, factors=[*Factor], idle_minutes=60, absolute_hours=12,
                password_min_length=8, is_sso_only=True,
            )
        )  # fmt: skip


def begin_to_close(acme: Organisation, _who: str) -> None:
    with acme.bound(writes=True) as session:
        now = clock.now()
        session.add(Closing(agreed_at=now, ends_at=now + timedelta(days=14)))


# What is done, to whom, a page of theirs, and what it answers from then on.
TAKEN = {
    "a role": (take_role, "member", "/documents", 403),
    "a role on a folder": (take_role, "guest", "/documents/folders/{shared}", 403),
    "an officer's role": (take_role, "officer", "/audit", 403),
    "an admin's role": (take_role, "second_admin", "/members", 403),
    "a member": (deactivate, "member", "/documents", 302),
    "an admin": (deactivate, "second_admin", "/members", 302),
    "a factor": (reset_factor, "member", "/documents", 302),
    "a password": (change_password, "member", "/documents", 302),
    "a forgotten password": (replace_forgotten_password, "auditor", "/documents", 302),
    "a session": (end_session, "member", "/documents", 302),
    "all sessions": (end_all_sessions, "guest", "/documents/folders/{shared}", 302),
    "the way in": (shut_passwords_out, "member", "/documents", 302),
    "the folder": (trash_the_folder, "guest", "/documents/{plan}/download", 404),
    "the organisation": (lambda acme, _: suspend(acme), "member", "/documents", 403),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_is_gone_with_the_next_request(acme, globex, what) -> None:
    take, who, path, expected = TAKEN[what]
    visitor, path = acme.visit(who), path.format(**acme.folders, **acme.documents)
    assert visitor.get(path).status_code == 200
    take(acme, who)
    assert visitor.get(path).status_code == expected
    assert visitor.post("/folders", {"name": "New"}).status_code in (401, 403)
    assert globex.visit(who).get("/account").status_code == 200


def test_what_is_given_is_there_with_the_next_request(acme) -> None:
    member = acme.visit("member")
    assert member.get("/audit").status_code == 403
    form = {"role": "auditor", "folder": "", "reason": ""}
    acme.visit("admin").post(f"/members/{acme['member'].id}/roles", form)
    assert member.get("/audit").status_code == 200


def test_a_suspended_organisation_is_back_as_it_was(portal, acme) -> None:
    member = acme.visit("member")
    suspend(acme)
    signing_in = acme.visit().post(
        "/auth/sign-in", {"email": acme["member"].email, "password": PASSWORD}
    )
    assert signing_in.status_code == 403
    assert "suspended" in signing_in.text
    assert acme.visit().get("/").status_code == 403
    assert portal.visit(acme.host).get("/healthz").status_code == 200
    suspend(acme, TenantState.ACTIVE)
    assert member.get("/documents").status_code == 200


class Interrupted:
    """A body in the middle of which something happens, on another thread as on a server."""

    def __init__(self, content: bytes, happens: Callable[[], None]) -> None:
        self.content, self.happens = content, happens

    def read(self, size: int = -1) -> bytes:
        if len(self.content) <= 2000 and self.happens is not None:
            thread = Thread(target=self.happens)
            thread.start()
            thread.join()
            self.happens = None
        piece, self.content = self.content[:1000], self.content[1000:]
        return piece


@pytest.mark.parametrize(
    "take", [take_role, deactivate, begin_to_close], ids=["role", "member", "organisation"]
)
def test_an_upload_under_way_ends_with_the_right_to_it(portal, acme, take) -> None:
    """Access is decided before the first byte and again before the rows."""
    content = CONTENT * 500
    body = Interrupted(content, lambda: take(acme, "member"))
    before = portal.rows("document")
    answer = acme.visit("member").put(
        "/documents/uploads", body, X_File_Name="late.txt", Content_Length=str(len(content))
    )
    assert body.happens is None
    assert answer.status_code in (401, 403)
    assert portal.rows("document") == before


def test_an_upload_in_pieces_ends_with_the_organisation(portal, acme) -> None:
    sender, before = Sender(acme), portal.rows("document_version")
    sender.begin(3000, document=acme.documents["plan"])
    rest = Interrupted(bytes(3000), lambda: begin_to_close(acme, "member"))
    assert sender.send(0, rest, Content_Length="3000").status_code == 403
    assert rest.happens is None
    assert portal.rows("document_version") == before
