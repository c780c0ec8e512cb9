"""One day in an organisation, on which everything is done that its pages can do, and what the audit
log has to tell of each act.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any
from uuid import UUID

import pyotp
from werkzeug.test import TestResponse

from portal.audit.actor import SYSTEM
from portal.auth.closing.service import ask_as_operator
from portal.auth.tokens import hash_token
from portal.core import clock as portal_clock
from portal.documents.types import Family
from tests.auth.factors.device import Device
from tests.browsing import Visitor
from tests.documents.retention.keeping import end_holds
from tests.documents.samples import picture_of
from tests.installation import PASSWORD, Organisation

# Marks that stand nowhere by chance. None of them may come to stand in a row, a log or a file.
FOLDER, OTHER_FOLDER = "Kanarienordner Qz8kd", "Umbenannt Wm3xs"
FILE, OTHER_FILE = "Kanarienvogel Hv5rj.txt", "Umgetauft Tb9np.txt"
NOTE, OTHER_NOTE = "Strophe vier ist neu Jw2tn", "Erste Fassung Pd8rk"
CONTENT = b"Der Kanarienvogel Yc4wq singt nur im Verborgenen.\n"
WRONG_PASSWORD, NEW_PASSWORD = "falsch Lf6gz geraten", "seventeen Nd2vx lighthouses"
AUTHENTICATOR, PASSKEY = "Telefon Gd7hn", "Schluessel Pv4cx"
NEWCOMERS_PASSWORD = "a newcomer's Rk7bh horse"
REPLACED_PASSWORD = "forgotten Vt6mj umbrellas"
MATTER, WHY_HELD = "Sache Leuchtturm Pd6vk", "Ein Brief vom Gericht Wf8jn"
CLIENT_SECRET, OTHER_CLIENT_SECRET = "kundengeheimnis-Zt7pw", "kundengeheimnis-Xm2qd"
LINK_PASSWORD, RECIPIENT = "Weidentor Kq9fz im Nebel", "rita.hm4xv@partner.example"
SENDER = "Rita Dn6wy of Partner"
WRONG_CODE = "000000"


@dataclass(frozen=True)
class Told:
    """What one entry tells."""

    action: str
    target: str
    actor_id: UUID | None
    outcome: str = "success"
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Act:
    """One request, the entries it has to leave, and the answer once it was sent.

    `data` may be a function, of what is good for one try.
    """

    browser: Visitor
    method: str
    path: str
    told: Callable[["Act"], list[Told]]
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 302
    then: Callable[[], None] = lambda: None  # what the worker does about it
    answer: TestResponse | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def do(self) -> TestResponse:
        """Send it."""
        self.answer = self.browser.open(
            self.path,
            self.method,
            data=self.data() if callable(self.data) else self.data,
            headers={"X-CSRFToken": self.browser.csrf_token, **self.headers},
        )
        self.then()
        return self.answer

    @property
    def made(self) -> UUID:
        """The id of what was made."""
        address = self.answer.json["address"] if self.answer.is_json else self.answer.location
        return UUID(address.rpartition("/")[2])


class Day:
    """The acts in their order. Each builds on those before, so it is to be done before the next is
    asked for; it may be tried without success meanwhile.
    """

    def __init__(self, acme: Organisation, clock: Any) -> None:
        self.acme, self.clock, self.rows = acme, clock, acme.portal.rows
        self.member = acme.visit("member", address="192.0.2.11")
        self.admin = acme.visit("admin", address="192.0.2.12")
        self.officer = acme.visit("officer", address="2001:db8::13")
        self.secrets = {
            "folder": FOLDER,
            "other folder": OTHER_FOLDER,
            "note": NOTE,
            "other note": OTHER_NOTE,
            "file": FILE,
            "other file": OTHER_FILE,
            "content": CONTENT.decode(),
            "password": PASSWORD,
            "wrong password": WRONG_PASSWORD,
            "new password": NEW_PASSWORD,
            "newcomer's password": NEWCOMERS_PASSWORD,
            "password after the forgotten one": REPLACED_PASSWORD,
            "password of a link": LINK_PASSWORD,
            "recipient of a link": RECIPIENT,
            "who sends a file": SENDER,
            "matter of a hold": MATTER,
            "reason of a hold": WHY_HELD,
            "client secret": CLIENT_SECRET,
            "other client secret": OTHER_CLIENT_SECRET,
        }
        self.codes: set[str] = set()
        self.places = count(20)  # where people sign in: at one place they would be held up

    def acts(self) -> Iterator[Act]:
        yield from self._folders()
        yield from self._documents()
        yield from self._resumed_uploads()
        yield from self._the_export()
        yield from self._the_links()
        yield from self._what_is_gone_for_good()
        yield from self._what_is_kept()
        yield from self._what_is_brought_back()
        yield from self._what_is_erased()
        yield from self._the_reviews()
        yield from self._another_review()
        yield from self._the_newcomer()
        yield from self._many_newcomers()
        yield from self._roles()
        yield from self._own_roles()
        yield from self._exclusive_roles()
        yield from self._groups()
        yield from self._sharing()
        yield from self._the_account()
        yield from self._the_factors()
        yield from self._the_forgotten_password()
        yield from self._the_ended_sessions()
        yield from self._the_lost_factor()
        yield from self._the_policy()
        yield from self._the_keys()
        provider = yield from self._single_sign_on()
        yield from self._two_admins()
        yield from self._requests()
        yield from self._the_log()
        yield from self._explanations()
        yield from self._closing()
        yield from self._broken_glass(provider)  # everybody who has a password is out by it

    def _folders(self) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        top = post("/folders", {"name": FOLDER}, lambda a: [
            Told("folder.created", f"folder:{a.made}", who, detail={"folder": None})
        ])  # fmt: skip
        yield top
        inner = post("/folders", {"name": "Inner", "parent": top.made}, lambda a: [
            Told("folder.created", f"folder:{a.made}", who, detail={"folder": str(top.made)})
        ])  # fmt: skip
        yield inner
        path, target = f"/folders/{inner.made}", f"folder:{inner.made}"
        yield post(f"{path}/rename", {"name": OTHER_FOLDER}, [Told("folder.renamed", target, who)])
        moved = {"came_from": str(top.made), "folder": None}
        yield post(
            f"{path}/move", {"folder": ""}, [Told("folder.moved", target, who, detail=moved)]
        )
        yield post(f"{path}/delete", {}, [Told("folder.deleted", target, who)])
        yield post(f"{path}/restore", {}, [Told("folder.restored", target, who)])

    def _documents(self) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        shared = str(self.acme.folders["shared"])
        headers = {"X-File-Name": FILE.replace(" ", "%20"), "X-Folder": shared}
        sent = Act(self.member, "PUT", "/documents/uploads", lambda a: [
            Told("document.uploaded", f"document:{a.made}", who, detail={
                "folder": shared,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(a.made),
            })
        ], CONTENT, headers, status=201)  # fmt: skip
        yield sent
        path, target = f"/documents/{sent.made}", f"document:{sent.made}"
        yield Act(self.member, "PUT", f"{path}/versions", lambda _: [
            Told("version.uploaded", target, who, detail={
                "number": 2,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(sent.made),
            })
        ], CONTENT, {"X-Note": NOTE.replace(" ", "%20")}, status=201)  # fmt: skip
        yield self._get(self.member, f"{path}/download", [
            Told("document.downloaded", target, who, detail={"range": None, "version": 2})
        ])  # fmt: skip
        yield Act(self.member, "GET", f"{path}/download", lambda _: [
            Told("document.downloaded", target, who, detail={"range": "bytes=0-4", "version": 2})
        ], headers={"Range": "bytes=0-4"}, status=206)  # fmt: skip
        plan = f"document:{self.acme.documents['plan']}"
        yield Act(self.member, "GET", f"/documents/folders/{shared}/archive", lambda _: [
            Told("folder.downloaded", f"folder:{shared}", who, detail={
                "documents": 2, "size_bytes": self._size_of(plan) + len(CONTENT),
            }),
            Told("document.downloaded", plan, who, detail={"range": None, "version": 1}),
            Told("document.downloaded", target, who, detail={"range": None, "version": 2}),
        ], status=200)  # fmt: skip
        yield self._get(self.member, f"{path}/preview", [
            Told("document.previewed", target, who, detail={"version": 2, "page": 1})
        ])  # fmt: skip
        yield from self._versions(sent.made)
        renamed = [Told("document.renamed", target, who)]
        yield post(f"{path}/rename", {"name": OTHER_FILE}, renamed)
        moved = {"came_from": shared, "folder": None}
        yield post(f"{path}/move", {"folder": ""}, [
            Told("document.moved", target, who, detail=moved)
        ])  # fmt: skip
        yield post(f"{path}/delete", {}, [Told("document.deleted", target, who)])
        yield post(f"{path}/restore", {}, [Told("document.restored", target, who)])
        chosen = {"things": [target], "folder": "", "is_meant": "1"}
        moved = {"came_from": None, "folder": None}
        yield post("/documents/many/move", chosen, [
            Told("document.moved", target, who, detail=moved)
        ])  # fmt: skip
        yield post("/documents/many/copy", chosen, lambda _: [
            Told("document.copied", f"document:{self._newest_document()}", who, detail={
                "source": target,
                "version": 4,
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(self._newest_document()),
            })
        ])  # fmt: skip
        yield Act(self.member, "POST", "/documents/many/download", lambda _: [
            Told("selection.downloaded", "documents", who, detail={
                "documents": 1, "size_bytes": len(CONTENT),
            }),
            Told("document.downloaded", target, who, detail={"range": None, "version": 4}),
        ], chosen, status=200)  # fmt: skip
        starred, unstarred = (
            Told(f"document.{what}", target, who) for what in ("starred", "unstarred")
        )
        yield post(f"{path}/star", {}, [starred])
        yield post(f"{path}/unstar", {}, [unstarred])
        yield post("/documents/many/star", chosen, [starred])
        yield post("/documents/many/delete", chosen, [Told("document.deleted", target, who)])
        yield post("/documents/many/restore", chosen, [Told("document.restored", target, who)])

    def _newest_document(self) -> UUID:
        return max(row["id"] for row in self.rows("document"))

    def _versions(self, document: UUID) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        path, target = f"/documents/{document}", f"document:{document}"
        first, second = (self._version(document, number) for number in (1, 2))
        yield self._get(self.member, f"{path}/compare?version={second}", [
            Told("document.compared", target, who, detail={"old_version": 1, "new_version": 2})
        ])  # fmt: skip
        yield post(f"{path}/versions/{first}/note", {"note": OTHER_NOTE}, [
            Told("version.noted", target, who, detail={"number": 1})
        ])  # fmt: skip
        yield post(f"{path}/versions/{first}/restore", {}, lambda _: [
            Told("version.restored", target, who, detail={
                "came_from": 1,
                "number": 3,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(document),
            })
        ])  # fmt: skip
        yield post(f"{path}/copy", {"folder": ""}, lambda a: [
            Told("document.copied", f"document:{a.made}", who, detail={
                "source": target,
                "version": 3,
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(a.made),
            })
        ])  # fmt: skip
        token = self.member.csrf_token

        def form() -> dict[str, Any]:
            return {"csrf_token": token, "note": NOTE, "file": (BytesIO(CONTENT), FILE)}

        yield Act(self.member, "POST", f"{path}/versions/form", lambda _: [
            Told("version.uploaded", target, who, detail={
                "number": 4,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(document),
            })
        ], form)  # fmt: skip

    def _upload_by_form(self) -> Act:
        token, who = self.member.csrf_token, self.acme["member"].id

        def told(act: Act) -> list[Told]:
            [made] = re.findall(r'href="/documents/([0-9a-f-]{36})"', act.answer.text)
            return [Told("document.uploaded", f"document:{made}", who, detail={
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(UUID(made)),
            })]  # fmt: skip

        def form() -> dict[str, Any]:
            return {"csrf_token": token, "files": (BytesIO(CONTENT), FILE)}

        return Act(self.member, "POST", "/documents/uploads/form", told, form, status=200)

    def _resumed_uploads(self) -> Iterator[Act]:
        yield self._upload_by_form()
        who, tus = self.acme["member"].id, {"Tus-Resumable": "1.0.0"}
        named = "filename " + b64encode(FILE.encode()).decode()

        def target(begun: Act) -> str:
            [row] = [row for row in self.rows("upload") if row["id"] == begun.made]
            return f"document:{row['document_id']}"

        def begin() -> Act:
            headers = {**tus, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": named}
            return Act(self.member, "POST", "/documents/uploads/resumable", lambda a: [
                Told("upload.begun", target(a), who, detail={"size_bytes": len(CONTENT)})
            ], headers=headers, status=201)  # fmt: skip

        first, second = begin(), begin()
        yield first
        ended, path = target(first), f"/documents/uploads/{first.made}"
        yield Act(self.member, "DELETE", path, lambda _: [
            Told("upload.ended", ended, who)
        ], headers=tus, status=204)  # fmt: skip
        yield second
        document, path = target(second), f"/documents/uploads/{second.made}"
        sent = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        yield Act(self.member, "PATCH", path, lambda _: [
            Told("document.uploaded", document, who, detail={
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(UUID(document.partition(":")[2])),
            })
        ], CONTENT, sent, status=204)  # fmt: skip

    def _the_links(self) -> Iterator[Act]:
        """Links are made, opened by strangers in every way there is, and ended."""
        plan, shared = self.acme.documents["plan"], self.acme.folders["shared"]
        usual = {"audience": "anybody", "kind": "download", "version": ""}
        locked = yield from self._make_link(f"documents/{plan}/new", usual | {
            "audience": "listed", "recipients": RECIPIENT, "password": LINK_PASSWORD,
        }, f"document:{plan}")  # fmt: skip
        yield from self._open_with_everything(locked, plan)
        inside = yield from self._make_link(
            f"folders/{shared}/new", usual | {"audience": "members", "kind": "view"},
            f"folder:{shared}",
        )  # fmt: skip
        yield from self._look_at_a_picture(inside)
        asked = yield from self._make_link(
            f"folders/{shared}/request", usual | {"kind": "request"}, f"folder:{shared}"
        )
        yield from self._send_a_file(asked)
        link, who = f"link:{asked}", self.acme["member"].id
        day = portal_clock.now() + timedelta(days=3)
        changed = {"about": f"folder:{shared}", "expires_at": f"{day:%Y-%m-%d}T23:59:59+00:00"}
        yield self._poster(self.member)(
            f"/links/{asked}/end", {"until": f"{day:%Y-%m-%d}"},
            [Told("link.changed", link, who, detail=changed)],
        )  # fmt: skip
        ended = {"about": f"folder:{shared}", "why": None}
        yield self._poster(self.member)(
            f"/links/{asked}/revoke", {}, [Told("link.revoked", link, who, detail=ended)]
        )
        yield from self._end_links(locked, inside)

    def _make_link(self, path: str, form: dict[str, Any], about: str) -> Generator[Act, None, UUID]:
        ends = f"{portal_clock.now() + timedelta(days=7):%Y-%m-%d}T23:59:59+00:00"
        detail = {
            "about": about, "kind": form["kind"], "audience": form["audience"],
            "has_password": "password" in form, "max_uses": None, "version": None,
            "expires_at": ends,
        }  # fmt: skip
        who = self.acme["member"].id
        made = Act(self.member, "POST", f"/links/{path}", lambda _: [
            Told("link.made", f"link:{self._newest_link()}", who, detail=detail)
        ], form, status=200)  # fmt: skip
        yield made
        [secret] = re.findall(r"/shared#([\w-]{43})", made.answer.text)
        self.secrets[f"secret of the link {self._newest_link()}"] = secret
        self.link_secret = secret
        return self._newest_link()

    def _newest_link(self) -> UUID:
        rows = self.rows("sharing_link")
        return max(row["id"] for row in rows if row["tenant_id"] == self.acme.id)

    def _open_with_everything(self, link: UUID, document: UUID) -> Iterator[Act]:
        stranger = self.acme.visit(address="192.0.2.19")
        post, path = self._poster(stranger), f"/shared/{link}"

        def visited(owes: str) -> list[Told]:
            return [Told("link.visited", f"link:{link}", link, detail={"owes": owes})]

        yield post("/shared", {"address": self.link_secret}, visited("password"))
        self._hold_visit(stranger)
        yield post(f"{path}/password", {"password": LINK_PASSWORD}, visited("email"))
        asked = post(f"{path}/codes", {"email": RECIPIENT}, [
            Told("link.code-asked", f"link:{link}", link)
        ], status=200)  # fmt: skip
        asked.then = self.acme.work
        yield asked
        code = self._mailed_code()
        opened = {"about": f"document:{document}"}
        yield post(f"{path}/code", {"email": RECIPIENT, "code": code}, [
            Told("link.opened", f"link:{link}", link, detail=opened)
        ])  # fmt: skip
        yield self._get(stranger, f"{path}/documents/{document}/download", [
            Told("document.downloaded", f"document:{document}", link, detail={"version": 1})
        ])  # fmt: skip

    def _look_at_a_picture(self, link: UUID) -> Iterator[Act]:
        shared, who = str(self.acme.folders["shared"]), self.acme["member"].id
        content = picture_of("PNG")
        sent = Act(self.member, "PUT", "/documents/uploads", lambda a: [
            Told("document.uploaded", f"document:{a.made}", who, detail={
                "folder": shared,
                "size_bytes": len(content),
                "sealed_sha256": self._sealed_sha256(a.made),
            })
        ], content, {"X-File-Name": "Map.png", "X-Folder": shared}, status=201)  # fmt: skip
        yield sent
        officer, path = self.acme["officer"].id, f"/shared/{link}"
        yield self._poster(self.officer)("/shared", {"address": self.link_secret}, [
            Told("link.visited", f"link:{link}", link, detail={"owes": "sign-in"})
        ])  # fmt: skip
        self._hold_visit(self.officer)
        yield self._poster(self.officer)(f"{path}/enter", {}, [
            Told("link.opened", f"link:{link}", officer, detail={"about": f"folder:{shared}"})
        ])  # fmt: skip
        viewed = {"version": 1, "page": 1, "link": str(link)}
        yield self._get(self.officer, f"{path}/documents/{sent.made}/picture", [
            Told("document.previewed", f"document:{sent.made}", officer, detail=viewed)
        ])  # fmt: skip

    def _send_a_file(self, link: UUID) -> Iterator[Act]:
        stranger = self.acme.visit(address="192.0.2.21")
        shared = str(self.acme.folders["shared"])
        opened = Told("link.opened", f"link:{link}", link, detail={"about": f"folder:{shared}"})
        yield self._poster(stranger)("/shared", {"address": self.link_secret}, [opened])
        self._hold_visit(stranger)

        def form() -> dict[str, Any]:
            token = {"csrf_token": stranger.csrf_token}
            return token | {"sender": SENDER, "file": (BytesIO(CONTENT), "Sent.txt")}

        def told(_: Act) -> list[Told]:
            rows = self.rows("document")
            made = max(row["id"] for row in rows if row["tenant_id"] == self.acme.id)
            return [Told("document.uploaded", f"document:{made}", link, detail={
                "folder": shared,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(made),
            })]  # fmt: skip

        yield Act(stranger, "POST", f"/shared/{link}/files", told, form)

    def _end_links(self, locked: UUID, inside: UUID) -> Iterator[Act]:
        """One by another policy, and those that are left with all others of their maker."""
        policy = {"is_lock_required": False, "is_view_only": False, "max_days": 30, "mode": "on"}
        tight = policy | {"is_lock_required": True}
        form = {"mode": "on", "max_days": "30", "conditions": "is_lock_required", "version": ""}
        plan, admin = f"document:{self.acme.documents['plan']}", self.acme["admin"].id
        yield self._poster(self.admin)("/policy/links/change", form, [
            Told("link.revoked", f"link:{self.acme.links['plan']}", admin,
                 detail={"about": plan, "why": "policy"}),
            Told("link-policy.changed", "policy", admin,
                 detail={"before": policy, "after": tight, "ended_links": 1}),
        ])  # fmt: skip
        member, officer = self.acme["member"].id, self.acme["officer"].id
        shared = f"folder:{self.acme.folders['shared']}"
        yield self._poster(self.officer)(f"/links/people/{member}/revoke", {}, [
            Told("link.revoked", f"link:{link}", officer, detail={"about": about, "why": None})
            for link, about in ((locked, plan), (inside, shared))
        ])  # fmt: skip

    def _hold_visit(self, browser: Visitor) -> None:
        cookie = browser.cookie(f"shared-{self._newest_link().hex}")
        self.secrets[f"visit {len(self.secrets)}"] = cookie

    def _mailed_code(self) -> str:
        [code] = re.findall(r"\b\d{4} \d{4}\b", self.acme.mails()[-1]["txt"])
        self.secrets[f"code of a link {len(self.secrets)}"] = code
        return code

    def _what_is_gone_for_good(self) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        made = post("/folders", {"name": FOLDER}, lambda a: [
            Told("folder.created", f"folder:{a.made}", who, detail={"folder": None})
        ])  # fmt: skip
        yield made
        plan = self.acme.documents["plan"]
        for kind, thing in (("folder", made.made), ("document", plan)):
            path, target = f"/{kind}s/{thing}", f"{kind}:{thing}"
            yield post(f"{path}/delete", {}, [Told(f"{kind}.deleted", target, who)])
            yield post(f"{path}/purge", {}, [Told(f"{kind}.purge-asked", target, who)])

    def _what_is_kept(self) -> Iterator[Act]:
        post, who = self._poster(self.officer), self.acme["officer"].id
        form = {"name": "Letters", "folder": "", "media_type": "text/", "keep_days": "30"}
        said = {
            "folder": None, "media_type": "text/", "keep_days": 30, "delete_days": None,
            "prune_days": None,
        }  # fmt: skip

        def target(_: Any = None) -> str:
            return f"retention-rule:{self._newest('retention_rule')}"

        yield post("/retention/rules/new", form, lambda a: [
            Told("retention-rule.created", target(a), who, detail=said)
        ])  # fmt: skip
        path = f"/retention/rules/{self._newest('retention_rule')}"
        longer = {"before": said, **said, "keep_days": 40}
        yield post(f"{path}/edit", form | {"keep_days": "40"}, [
            Told("retention-rule.changed", target(), who, detail=longer)
        ])  # fmt: skip
        yield post(f"{path}/delete", {}, [
            Told("retention-rule.deleted", target(), who, detail=said | {"keep_days": 40})
        ])  # fmt: skip
        hold = post(
            "/retention/holds/new",
            {"kind": "user", "email": self.acme["member"].email, "matter": MATTER,
             "reason": WHY_HELD},
            lambda a: [Told("hold.placed", f"hold:{a.made}", who)],
        )  # fmt: skip
        yield hold
        yield post(f"/retention/holds/{hold.made}/release", {"reason": WHY_HELD}, [
            Told("hold.released", f"hold:{hold.made}", who)
        ])  # fmt: skip
        yield self._get(self.officer, "/retention/next-run/table", [
            Told("retention.plan-read", "documents", who, detail={"documents": 1})
        ])  # fmt: skip

    def _what_is_brought_back(self) -> Iterator[Act]:
        """The plan, which the member had deleted for good."""
        plan, who = self.acme.documents["plan"], self.acme["officer"].id
        yield self._poster(self.officer)(f"/retention/documents/{plan}/bring-back", {}, [
            Told("document.restored", f"document:{plan}", who)
        ])  # fmt: skip

    def _what_is_erased(self) -> Iterator[Act]:
        ask, decide = self._poster(self.admin), self._poster(self.officer)
        admin, officer = self.acme["admin"].id, self.acme["officer"].id
        target = f"user:{self.acme['auditor'].id}"
        form = {"email": self.acme["auditor"].email, "what": "documents", "reason": WHY_HELD}
        for answer, action in (("refuse", "erasure.refused"), ("grant", "erasure.granted")):
            asked = ask("/retention/erasures/new", form, lambda a: [
                Told("erasure.asked", target, admin, detail={
                    "documents": True, "account": False, "request": str(a.made),
                })
            ])  # fmt: skip
            yield asked
            decision = {"decision": answer, "answer": WHY_HELD}
            yield decide(f"/retention/erasures/{asked.made}/decide", decision, [
                Told(action, target, officer, detail={"request": str(asked.made)})
            ])  # fmt: skip

    def _newest(self, table: str) -> UUID:
        return max(row["id"] for row in self.rows(table) if row["tenant_id"] == self.acme.id)

    def _the_reviews(self) -> Iterator[Act]:
        officer, member = self._poster(self.officer), self._poster(self.member)
        who, reviewer = self.acme["officer"].id, self.acme["member"].id
        started = self._started(reviewer, every_days=20)
        yield officer("/reviews/new", self._new_review(every_days=20), started)
        [line], review = self._lines(), self._review()
        target, path = f"review:{review}", f"/reviews/{review}"
        yield officer(f"{path}/stop", {}, [Told("review.stopped", target, who)])
        yield member(f"/reviews/lines/{line['id']}/answer", {"decision": "revoke"}, [
            Told("review.line-decided", target, reviewer, detail={
                "line": str(line["id"]), "decision": "revoke", "comment": "",
            })
        ])  # fmt: skip
        held = str(line["subject_id"])

        def told_of_the_end(_: Act) -> list[Told]:
            folder = str(self.acme.folders["shared"])
            return [
                Told("role.removed", f"user:{self.acme['guest'].id}", reviewer, detail={
                    "assignment": held, "role": "guest", "folder": folder, "reason": "",
                    "way": "review",
                }),
                Told("review.closed", target, who, detail=self._sealed_result(review)),
            ]  # fmt: skip

        yield officer(f"{path}/close", {}, told_of_the_end)
        for form, ending in (("html", ""), ("csv", "/table"), ("signed", "/signed")):
            yield self._get(self.officer, f"{path}/report{ending}", [
                Told("review.report-read", target, who, detail={"form": form})
            ])  # fmt: skip

    def _another_review(self) -> Iterator[Act]:
        """One whose line has come to the officers, and that is called off."""
        officer, who = self._poster(self.officer), self.acme["officer"].id
        started = self._started(self.acme["member"].id)
        yield officer("/reviews/new", self._new_review(people="auditor"), started)
        self.acme.portal.execute("UPDATE review_line SET is_escalated = true", self.acme)
        [line], target = self._lines(), f"review:{self._review()}"
        form = {"email": self.acme["second_admin"].email}
        yield officer(f"/reviews/lines/{line['id']}/hand-over", form, [
            Told("review.line-handed-over", target, who, detail={
                "line": str(line["id"]), "reviewer": str(self.acme["second_admin"].id),
            })
        ])  # fmt: skip
        yield officer(f"/reviews/{self._review()}/cancel", {}, [
            Told("review.cancelled", target, who)
        ])  # fmt: skip

    def _new_review(self, people: str = "guest", **more: Any) -> dict[str, Any]:
        return {
            "name": "Spring",
            "people": self.acme[people].email,
            "reviewers": self.acme["member"].email,
            "due_on": f"{portal_clock.now() + timedelta(days=9):%Y-%m-%d}",
            "on_unanswered": "escalate",
        } | more

    def _started(self, reviewer: UUID, **more: Any) -> Callable[[Act], list[Told]]:
        def told(act: Act) -> list[Told]:
            due = (portal_clock.now() + timedelta(days=10)).date()
            [line] = self._lines()
            detail = {
                "name": "Spring",
                "scope": {"roles": [], "folder": None, "people": [str(line["user_id"])],
                          "groups": []},
                "lines": 1,
                "reviewers": [str(reviewer)],
                "due_at": f"{due}T00:00:00+00:00",
                "on_unanswered": "escalate",
                "every_days": None,
                "follows": None,
            }  # fmt: skip
            who = self.acme["officer"].id
            return [Told("review.started", f"review:{act.made}", who, detail=detail | more)]

        return told

    def _review(self) -> UUID:
        """The latest."""
        rows = self.rows("access_review")
        return max(row["id"] for row in rows if row["tenant_id"] == self.acme.id)

    def _lines(self) -> list[dict[str, Any]]:
        """Of the latest review."""
        return [row for row in self.rows("review_line") if row["review_id"] == self._review()]

    def _sealed_result(self, review: UUID) -> dict[str, Any]:
        [row] = [row for row in self.rows("access_review") if row["id"] == review]
        return {
            "outcomes": {"revoked": 1},
            "sha256": bytes(row["result_sha256"]).hex(),
            "signature": b64encode(bytes(row["signature"])).decode(),
            "key": str(row["key_id"]),
        }

    def _the_newcomer(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        email = "newcomer@acme.example"

        def invited(_: Act) -> list[Told]:
            target = f"user:{self._user(email)}"
            given = self._given(self._user(email), "member", way="invitation")
            return [
                Told("member.invited", target, admin, detail={"role": "member"}),
                Told("role.assigned", target, admin, detail=given | {"expires_at": None}),
            ]

        form = {"name": "Newcomer", "email": email, "role": "member", "folder": "", "reason": ""}
        first = post("/members/new", form, invited, status=200)
        yield first
        self._link_of(first)
        newcomer = self._user(email)
        again = post(f"/members/{newcomer}/invitations", {}, [
            Told("member.invited", f"user:{newcomer}", admin, detail={"again": True})
        ], status=200)  # fmt: skip
        yield again
        link = self._link_of(again)
        stranger = self.acme.visit(address="198.51.100.14")
        passwords = {"password": NEWCOMERS_PASSWORD, "again": NEWCOMERS_PASSWORD}
        yield Act(stranger, "POST", link, lambda _: [
            Told("invitation.accepted", f"user:{newcomer}", None)
        ], passwords)  # fmt: skip
        half = self._signed_in(stranger)
        self._secret_of(half)
        yield from self._enrol(half, newcomer)
        inside = self._signed_in(half)
        yield from self._sign_out(inside, newcomer)

    def _many_newcomers(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        emails = ("first@acme.example", "second@acme.example")
        table = "name,email,role\n" + "".join(f"One,{email},Member\n" for email in emails)

        def imported(_: Act) -> list[Told]:
            told = []
            for email in emails:
                target, given = f"user:{self._user(email)}", {"expires_at": None}
                given |= self._given(self._user(email), "member", way="import")
                told += [
                    Told("member.invited", target, admin, detail={"role": "member"}),
                    Told("role.assigned", target, admin, detail=given),
                ]
            return [*told, Told("member.imported", "members", admin, detail={"count": 2})]

        yield post("/members/import", {"table": table, "sure": "yes"}, imported, status=200)

    def _enrol(self, half: Visitor, person: UUID) -> Iterator[Act]:
        enrolled = [
            Told("factor.enrolled", f"user:{person}", person, detail={"factor": "totp"}),
            Told("sign-in.succeeded", f"user:{person}", person,
                 detail={"assurance": "password+totp"}),
        ]  # fmt: skip
        yield self._poster(half)("/auth/enrol", {"code": self._next_code()}, enrolled)

    def _sign_out(self, inside: Visitor, person: UUID) -> Iterator[Act]:
        own = f"session:{self._session(inside)}"
        yield self._poster(inside)("/auth/sign-out", {}, [Told("sign-out.succeeded", own, person)])

    def _sign_in(
        self, email: str, password: str, person: UUID, then: list[Visitor]
    ) -> Iterator[Act]:
        """With a wrong password first, then with a wrong code."""
        stranger = self.acme.visit(address=f"198.51.100.{next(self.places)}")
        post = self._poster(stranger)
        wrong = {"email": email, "password": WRONG_PASSWORD}
        yield post("/auth/sign-in", wrong, [
            Told("sign-in.failed", f"user:{person}", None, "failure", {"step": "password"})
        ], status=401)  # fmt: skip
        yield post("/auth/sign-in", wrong | {"email": "nobody@acme.example"}, [
            Told("sign-in.failed", "user:unknown", None, "failure", {"step": "password"})
        ], status=401)  # fmt: skip
        yield post("/auth/sign-in", {"email": email, "password": password}, [
            Told("sign-in.password-accepted", f"user:{person}", None)
        ])  # fmt: skip
        half = self._signed_in(stranger)
        post = self._poster(half)
        yield post("/auth/code", {"code": WRONG_CODE}, [
            Told("sign-in.failed", f"user:{person}", person, "failure", {"step": "code"})
        ], status=401)  # fmt: skip
        yield post("/auth/code", {"code": self._next_code()}, [
            Told("sign-in.succeeded", f"user:{person}", person,
                 detail={"assurance": "password+totp"})
        ])  # fmt: skip
        then.append(self._signed_in(half))

    def _roles(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        guest, shared = self.acme["member"].id, str(self.acme.folders["shared"])
        form = {"role": "guest", "folder": shared, "reason": "for the audit of 2026"}
        path, target = f"/members/{guest}/roles", f"user:{guest}"

        def assigned(_: Act) -> list[Told]:
            given = self._given(guest, "guest", folder=shared, reason="for the audit of 2026")
            return [Told("role.assigned", target, admin, detail=given | {"expires_at": None})]

        yield post(path, form, assigned)
        given = self._given(guest, "guest", folder=shared)
        until, ends = {"until": "2100-01-31"}, "2100-01-31T23:59:59.999999+00:00"
        ended = given | {"before": None, "expires_at": ends}
        yield post(f"{path}/{given['assignment']}/end", until, [
            Told("role.end-changed", target, admin, detail=ended)
        ])  # fmt: skip
        removed = [Told("role.removed", target, admin, detail=given)]
        yield post(f"{path}/{given['assignment']}/remove", {}, removed)

    def _own_roles(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        form = {"name": "Keeper", "sentence": "Keeps it.", "permissions": ["document:read"]}

        def told(key: str, **more: Any) -> dict[str, Any]:
            return form | {"key": key, "is_scoped": False} | more

        def key_of(act: Act) -> str:
            return act.answer.location.rpartition("/")[2]

        made = post("/roles/new", form, lambda a: [
            Told("role.created", f"role:{key_of(a)}", admin, detail=told(key_of(a)))
        ])  # fmt: skip
        yield made
        key = key_of(made)
        path, target = f"/roles/{key}", f"role:{key}"
        [version] = re.findall(r'name="version" type="hidden" value="([^"]*)"',
                               self.admin.get(f"{path}/edit").text)  # fmt: skip
        other = form | {"permissions": ["document:edit", "document:read"], "version": version}
        allows = {"permissions": ["document:edit", "document:read"]}
        yield post(f"{path}/change", other, [
            Told("role.changed", target, admin, detail=told(key, **allows, before=form))
        ])  # fmt: skip
        person = self.acme["officer"].id
        given = {"role": key, "folder": "", "reason": ""}
        yield post(f"/members/{person}/roles", given, lambda _: [
            Told("role.assigned", f"user:{person}", admin,
                 detail=self._given(person, key) | {"expires_at": None})
        ])  # fmt: skip
        removed = self._given(person, key, reason="Keeper was retired", way="retirement")
        end = {"successor": "member", "moved": 1, "removed": 0}
        yield post(f"{path}/retire", {"successor": "member", "assignments": 1}, lambda _: [
            Told("role.removed", f"user:{person}", admin, detail=removed),
            Told("role.assigned", f"user:{person}", admin,
                 detail=self._given(person, "member", way="retirement") | {"expires_at": None}),
            Told("role.retired", target, admin, detail=told(key, **allows, **end)),
        ])  # fmt: skip
        yield post(f"{path}/restore", {}, [
            Told("role.restored", target, admin, detail=told(key, **allows))
        ])  # fmt: skip

    def _exclusive_roles(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        keys = sorted(("member", self.acme.roles["archivist"]))

        def made() -> UUID:
            rows = self.rows("exclusive_role_pair")
            return next(r["id"] for r in rows if [r["first_role"], r["second_role"]] == keys)

        pair = {"first": keys[0], "second": keys[1]}
        yield post("/roles/exclusive/add", pair, lambda _: [
            Told("exclusion.added", f"exclusion:{made()}", admin, detail={"roles": keys})
        ])  # fmt: skip
        added = made()
        yield post(f"/roles/exclusive/{added}/remove", {}, [
            Told("exclusion.removed", f"exclusion:{added}", admin, detail={"roles": keys})
        ])  # fmt: skip

    def _groups(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        form = {"name": "Finance", "sentence": "For the books."}
        made = post("/groups/new", form, lambda a: [
            Told("group.created", f"group:{a.made}", admin, detail=form)
        ])  # fmt: skip
        yield made
        path, target = f"/groups/{made.made}", f"group:{made.made}"
        renamed = {"name": "Treasury", "sentence": ""}
        yield post(f"{path}/edit", renamed, [
            Told("group.changed", target, admin, detail=renamed)
        ])  # fmt: skip
        member, guest = self.acme["member"].id, self.acme["guest"].id
        yield post(f"{path}/people/add", {"people": [str(member), str(guest)]}, [
            Told("group.member-added", target, admin,
                 detail={"person": str(person), "way": "page"})
            for person in sorted((member, guest))
        ])  # fmt: skip
        yield post(f"{path}/people/{guest}/remove", {}, [
            Told("group.member-removed", target, admin,
                 detail={"person": str(guest), "way": "page"})
        ])  # fmt: skip
        yield from self._roles_of_group(made.made)
        provider = str(self.acme.providers["nowhere"])
        self.acme.portal.execute("UPDATE identity_provider SET groups_claim = 'groups'", self.acme)
        yield post(f"{path}/source", {"provider": provider, "claim": "finance"}, [
            Told("group.member-removed", target, admin,
                 detail={"person": str(member), "way": "feed", "provider": None}),
            Told("group.changed", target, admin, detail={"provider": provider, "claim": "finance"}),
        ])  # fmt: skip
        yield post(f"{path}/delete", {}, [Told("group.deleted", target, admin, detail=renamed)])

    def _roles_of_group(self, group: UUID) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        path, target = f"/groups/{group}/roles", f"group:{group}"
        form = {"role": "guest", "folder": str(self.acme.folders["shared"]), "reason": "books"}

        def given(**told: Any) -> dict[str, Any]:
            [made] = [r["id"] for r in self.rows("role_assignment") if r["group_id"] == group]
            return form | {"way": "page", "assignment": str(made)} | told

        yield post(path, form, lambda _: [
            Told("role.assigned", target, admin, detail=given(expires_at=None))
        ])  # fmt: skip
        made = f"{path}/{given()['assignment']}"
        ends = {"before": None, "expires_at": "2100-01-31T23:59:59.999999+00:00"}
        yield post(f"{made}/end", {"until": "2100-01-31", "reason": "books"}, [
            Told("role.end-changed", target, admin, detail=given(**ends))
        ])  # fmt: skip
        yield post(f"{made}/remove", {"reason": "books"}, [
            Told("role.removed", target, admin, detail=given())
        ])  # fmt: skip

    def _sharing(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        officer, shared = self.acme["officer"], str(self.acme.folders["shared"])
        path, target = f"/folders/{shared}/shares", f"user:{officer.id}"
        ends = "2100-01-31T23:59:59.999999+00:00"
        form = {"whom": officer.email, "role": "guest", "until": "2100-01-31", "reason": "a look"}

        def given(reason: str = "") -> dict[str, Any]:
            return self._given(officer.id, "guest", folder=shared, way="share", reason=reason)

        yield post(path, form | {"whom": "nobody@acme.example"}, [
            Told("access.refused", f"folder:{shared}", admin, "refused",
                 {"reason": "nobody-found"})
        ], status=400)  # fmt: skip
        yield post(path, form, lambda _: [
            Told("role.assigned", target, admin, detail=given("a look") | {"expires_at": ends})
        ])  # fmt: skip
        made = f"{path}/{given()['assignment']}"
        moved = given() | {"before": ends, "expires_at": None}
        yield post(f"{made}/end", {"until": ""}, [
            Told("role.end-changed", target, admin, detail=moved)
        ])  # fmt: skip
        yield post(f"{made}/remove", {}, [Told("role.removed", target, admin, detail=given())])

    def _the_account(self) -> Iterator[Act]:
        email, person = "newcomer@acme.example", self._user("newcomer@acme.example")
        inside: list[Visitor] = []
        for _ in range(3):
            yield from self._sign_in(email, NEWCOMERS_PASSWORD, person, inside)
        first, second, _third = inside
        post = self._poster(first)
        change = {"present": WRONG_PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
        refused = [Told("password.refused", f"user:{person}", person, "failure")]
        yield post("/account/password", change, refused, status=400)
        ended = self._session(second)
        yield post(f"/account/sessions/{ended}/end", {}, [
            Told("session.ended", f"session:{ended}", person)
        ])  # fmt: skip
        yield post("/account/sessions/end-others", {}, [
            Told("session.ended", f"user:{person}", person, detail={"ended": 1})
        ])  # fmt: skip
        yield post("/auth/step-up", {"proof_code": self._next_code()}, [
            Told("proof.renewed", f"user:{person}", person, detail={"by": "totp"})
        ])  # fmt: skip
        yield post("/account/password", change | {"present": NEWCOMERS_PASSWORD}, [
            Told("password.changed", f"user:{person}", person, detail={"ended_sessions": 0})
        ])  # fmt: skip

    def _the_factors(self) -> Iterator[Act]:
        email, person = "newcomer@acme.example", self._user("newcomer@acme.example")
        target, inside = f"user:{person}", []
        self.clock.advance(minutes=15)  # what went wrong before is counted no more
        yield from self._sign_in(email, NEW_PASSWORD, person, inside)
        [own] = inside
        path = "/account/authenticators/new"
        code = self._code_of(self._secret_on(own, path))
        yield self._poster(own)(path, {"code": code, "name": AUTHENTICATOR}, [
            Told("factor.enrolled", target, person, detail={"factor": "totp"})
        ])  # fmt: skip
        own, device = self._signed_in(own), Device()
        yield self._passkey_act(own, device.make, "/account/passkeys", {"name": "Key"}, [
            Told("factor.enrolled", target, person, detail={"factor": "passkey"})
        ])  # fmt: skip
        own = self._signed_in(own)
        post = self._poster(own)
        passkey, second = self._factor("passkey", "Key"), self._factor("totp_device", AUTHENTICATOR)
        yield post(f"/account/factors/{passkey}/rename", {"name": PASSKEY}, [
            Told("factor.renamed", target, person, detail={"factor": "passkey"})
        ])  # fmt: skip
        yield post(f"/account/factors/{second}/remove", {}, [
            Told("factor.removed", target, person, detail={"factor": "totp", "ended_sessions": 1})
        ])  # fmt: skip
        made = post("/account/recovery-codes", {}, [
            Told("recovery-codes.made", target, person, detail={"count": 10})
        ], status=200)  # fmt: skip
        yield made
        codes = re.findall(r"(?<=<span>)[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", made.answer.text)
        self.secrets |= {f"recovery code {n}": code for n, code in enumerate(codes)}
        yield from self._sign_out(own, person)
        yield from self._sign_in_without_authenticator(email, person, device, codes)

    def _sign_in_without_authenticator(
        self, email: str, person: UUID, device: Device, codes: list[str]
    ) -> Iterator[Act]:
        target = f"user:{person}"
        stranger = self.acme.visit(address="198.51.100.16")
        refused = {"step": "passkey", "reason": "Wrong RP ID hash in response."}
        yield self._passkey_act(
            stranger,
            lambda options, base: device.sign(options, base, rp_id="localhost"),
            "/auth/passkeys/sign-in",
            {},
            [Told("sign-in.failed", target, None, "failure", refused)],
            status=401,
        )
        yield self._passkey_act(stranger, device.sign, "/auth/passkeys/sign-in", {}, [
            Told("sign-in.succeeded", target, person, detail={"assurance": "passkey"})
        ])  # fmt: skip
        self._signed_in(stranger)
        stranger = self.acme.visit(address="198.51.100.17")
        post = self._poster(stranger)
        yield post("/auth/sign-in", {"email": email, "password": NEW_PASSWORD}, [
            Told("sign-in.password-accepted", target, None)
        ])  # fmt: skip
        half = self._signed_in(stranger)
        yield self._poster(half)("/auth/recovery-code", {"code": codes[0]}, [
            Told("recovery-code.used", target, person, detail={"left": 9}),
            Told("sign-in.succeeded", target, person,
                 detail={"assurance": "password+recovery-code"}),
        ])  # fmt: skip
        self._signed_in(half)

    def _passkey_act(
        self, browser: Visitor, answer: Any, path: str, more: Any, told: Any, status: int = 302
    ) -> Act:
        """Send what a passkey says, each time to a question of its own."""

        def data() -> dict[str, str]:
            headers = {"X-CSRFToken": browser.csrf_token}
            asked = browser.open(f"{path}/begin", "POST", headers=headers)
            return {"passkey": answer(asked.json["publicKey"], browser.base), **more}

        page = path if path.startswith("/auth") else f"{path}/new"
        return Act(browser, "POST", page, _always(told), data, status=status)

    def _the_forgotten_password(self) -> Iterator[Act]:
        email, person = "newcomer@acme.example", self._user("newcomer@acme.example")
        stranger = self.acme.visit(address="198.51.100.16")
        asked = self._poster(stranger)("/auth/forgot", {"email": email}, [
            Told("password.reset-asked", "user:unknown", None),
            Told("password.reset-made", f"user:{person}", None),
        ], status=200)  # fmt: skip
        asked.then = self.acme.work
        yield asked
        [token] = re.findall(r"/auth/resets/([\w-]{43})", self.acme.mails()[-1]["txt"])
        self.secrets["reset token"] = token
        passwords = {"password": REPLACED_PASSWORD, "again": REPLACED_PASSWORD}
        yield self._poster(stranger)(f"/auth/resets/{token}", passwords, [
            Told("password.reset", f"user:{person}", None, detail={"ended_sessions": 2})
        ])  # fmt: skip

    def _the_ended_sessions(self) -> Iterator[Act]:
        email, person = "newcomer@acme.example", self._user("newcomer@acme.example")
        inside: list[Visitor] = []
        for _ in range(2):
            yield from self._sign_in(email, REPLACED_PASSWORD, person, inside)
        post, admin = self._poster(self.admin), self.acme["admin"].id
        path, one = f"/members/{person}/sessions", self._session(inside[0])
        yield post(f"{path}/{one}/end", {}, [
            Told("session.ended", f"session:{one}", admin, detail={"of": f"user:{person}"})
        ])  # fmt: skip
        yield post(f"{path}/end", {}, [
            Told("session.ended", f"user:{person}", admin, detail={"ended": 1})
        ])  # fmt: skip

    def _the_lost_factor(self) -> Iterator[Act]:
        post, admin = self._poster(self.admin), self.acme["admin"].id
        person = self._user("newcomer@acme.example")
        path, target = f"/members/{person}", f"user:{person}"
        yield post(f"{path}/reset-factors", {}, [
            Told("factor.reset", target, admin, detail={
                "removed": {"totp_device": 1, "passkey": 1, "recovery_code": 10},
                "ended_sessions": 0,
            })
        ])  # fmt: skip
        yield post(f"{path}/deactivate", {}, [
            Told("member.deactivated", target, admin, detail={"ended_sessions": 0})
        ])  # fmt: skip
        yield post(f"{path}/reactivate", {}, [
            Told("member.reactivated", target, admin, detail={"state": "active"})
        ])  # fmt: skip

    def _single_sign_on(self) -> Generator[Act, None, UUID]:
        """As far as it goes without a provider; the rest of it is in tests/auth/sso/.

        Gives the id of the one that was entered.
        """
        post, admin = self._poster(self.admin), self.acme["admin"].id
        form = {
            "name": "Login", "issuer": "http://127.0.0.1:9/entered", "client_id": "portal",
            "client_secret": CLIENT_SECRET, "default_role": "", "group_roles": "staff = Auditor",
        }  # fmt: skip
        entered = post("/sso/new", form, lambda a: [
            Told("provider.created", f"provider:{a.made}", admin)
        ])  # fmt: skip
        yield entered
        path, target = f"/sso/{entered.made}", f"provider:{entered.made}"
        yield post(f"{path}/edit", form | {"client_secret": OTHER_CLIENT_SECRET}, [
            Told("provider.changed", target, admin, detail={"to_be_tested": True})
        ])  # fmt: skip
        yield post(f"{path}/test", {}, [
            Told("sign-in.failed", target, admin, "failure",
                 {"step": "sso", "reason": "unreachable"})
        ], status=400)  # fmt: skip
        self.acme.portal.execute("UPDATE identity_provider SET state = 'tested'", self.acme)
        yield post(f"{path}/offer", {}, [Told("provider.offered", target, admin)])
        yield post(f"{path}/withdraw", {}, [Told("provider.withdrawn", target, admin)])
        yield post(f"{path}/offer", {}, [Told("provider.offered", target, admin)])
        stranger = self._poster(self.acme.visit(address="198.51.100.16"))
        refused = Told("sign-in.failed", target, None, "failure",
                       {"step": "sso", "reason": "unreachable"})  # fmt: skip
        yield stranger("/sso/begin", {"provider": entered.made}, [refused], status=400)
        yield stranger("/sso/backchannel-logout", {"logout_token": "x"}, [], status=400)
        yield from self._links(entered.made)
        return entered.made

    def _links(self, provider: UUID) -> Iterator[Act]:
        post, member = self._poster(self.member), self.acme["member"].id
        yield self._proof_renewed(self.member, "member")
        refused = Told("sign-in.failed", f"provider:{provider}", member, "failure",
                       {"step": "sso", "reason": "unreachable"})  # fmt: skip
        yield post("/sso/link", {"provider": provider}, [refused], status=400)
        yield post("/sso/step-up", {"proof_provider": provider}, [refused], status=400)
        [own] = [r["id"] for r in self.rows("external_identity") if r["user_id"] == member]
        yield post(f"/sso/links/{own}/remove", {}, [
            Told("identity.unlinked", f"user:{member}", member)
        ])  # fmt: skip

    def _proof_renewed(self, browser: Visitor, who: str) -> Act:
        self.clock.advance(seconds=30)  # to a code that was not used yet
        person = self.acme[who]
        self.codes.add(person.code)
        return self._poster(browser)("/auth/step-up", {"proof_code": person.code}, [
            Told("proof.renewed", f"user:{person.id}", person.id, detail={"by": "totp"})
        ])  # fmt: skip

    def _broken_glass(self, provider: UUID) -> Iterator[Act]:
        admin = self.acme["admin"]
        live = sum(row["ended_at"] is None for row in self.rows("user_session")
                   if row["tenant_id"] == self.acme.id)  # fmt: skip
        enforced = self._poster(self.admin)("/sso/enforce", {}, [
            Told("sso.enforced", "organisation", admin.id, detail={"ended_sessions": live})
        ], status=200)  # fmt: skip
        yield enforced
        codes = re.findall(r"[A-Z2-7]{10}-[A-Z2-7]{10}", enforced.answer.text)
        self.secrets |= {f"break-glass code {n}": code for n, code in enumerate(codes)}
        stranger = self.acme.visit(address="198.51.100.17")
        post = self._poster(stranger)
        yield post("/sso/break-glass", {"email": admin.email, "code": "wrong"}, [
            Told("sign-in.failed", f"user:{admin.id}", None, "failure", {"step": "break-glass"})
        ], status=401)  # fmt: skip
        yield post("/sso/break-glass", {"email": admin.email, "code": codes[0]}, [
            Told("break-glass.used", f"user:{admin.id}", None)
        ])  # fmt: skip
        post = self._poster(self._signed_in(stranger))
        yield post("/sso/release", {}, [Told("sso.released", "organisation", admin.id)])
        yield post(f"/sso/{provider}/delete", {}, [
            Told("provider.deleted", f"provider:{provider}", admin.id, detail={"ended_sessions": 0})
        ])  # fmt: skip

    def _the_policy(self) -> Iterator[Act]:
        yield self._proof_renewed(self.admin, "admin")
        form = {
            "mfa_for": "everybody",
            "factors": ["totp", "passkey"],
            "grace_days": 0,
            "idle_minutes": 60,
            "absolute_hours": 11,
            "password_min_length": 8,
        }
        post, admin = self._poster(self.admin), self.acme["admin"].id
        yield post("/policy/change", form, [
            Told("policy.changed", "policy", admin, detail={
                "before": {"absolute_hours": 12}, "after": {"absolute_hours": 11},
                "ended_sessions": 0,
            })
        ])  # fmt: skip
        form = {"families": ["text"], "person_quota_mib": 100}
        yield post("/policy/documents/change", form, [
            Told("document-policy.changed", "policy", admin, detail={
                "before": {"families": sorted(Family), "person_quota_mib": None},
                "after": {"families": ["text"], "person_quota_mib": 100},
            })
        ])  # fmt: skip
        yield post("/policy/choice", {"kinds": ["reset-factors"]}, [
            Told("choice.changed", "policy", admin, detail={
                "before": [], "after": ["reset-factors"],
            })
        ])  # fmt: skip

    def _the_keys(self) -> Iterator[Act]:
        yield self._proof_renewed(self.officer, "officer")
        post, officer = self._poster(self.officer), self.acme["officer"].id
        yield post("/keys/rotate", {}, [
            Told("key.rotated", "tenant-key:2", officer, detail={"version": 2})
        ])  # fmt: skip
        yield post("/keys/rotation", {"days": "90"}, [
            Told("key.policy-changed", "policy", officer, detail={"before": 365, "after": 90})
        ])  # fmt: skip
        yield post("/keys/signing/rotate", {}, lambda _: [self._signing_key_made(officer)])

    def _signing_key_made(self, who: UUID) -> Told:
        rows = [r for r in self.rows("signing_key") if r["tenant_id"] == self.acme.id]
        [live] = [row for row in rows if row["retired_at"] is None]
        public = b64encode(live["public_key"]).decode("ascii")
        target = f"signing-key:{live['id']}"
        return Told("signing-key.made", target, who, detail={"public_key": public})

    def _closing(self) -> Iterator[Act]:
        """Two admins agree, and one takes it back; the operator asks, and an officer agrees."""
        end_holds(self.acme)
        browsers = self.acme.visit("admin"), self.acme.visit("second_admin")
        yield self._proof_renewed(browsers[1], "second_admin")
        (first, second), officer = map(self._poster, browsers), self._poster(self.officer)
        admin, other = self.acme["admin"].id, self.acme["second_admin"].id
        wanted = {"slug": "acme", "reason": "merged into Globex"}
        yield first("/closing/ask", wanted, lambda _: [
            Told("act.asked", "organisation", admin, detail=self._close() | {
                "reason": wanted["reason"],
            })
        ])  # fmt: skip
        yield second(f"/approvals/{self._newest_act()}/approve", {}, lambda _: [
            Told("act.approved", "organisation", other, detail=self._close()),
            Told("closing.begun", "organisation", other, detail={
                "act": self._newest_act(), "asked_by": str(admin), "ends_at": self._end(),
            }),
        ])  # fmt: skip
        yield first("/closing/take-back", {}, [Told("closing.withdrawn", "organisation", admin)])
        with self.acme.bound(writes=True):
            ask_as_operator(SYSTEM, "")
            self.acme.entries_at_start += 1
        yield officer("/closing/agree", {}, lambda _: [
            Told("closing.begun", "organisation", self.acme["officer"].id, detail={
                "ends_at": self._end()
            })
        ])  # fmt: skip
        yield first("/closing/take-back", {}, [Told("closing.withdrawn", "organisation", admin)])

    def _close(self) -> dict[str, str]:
        return {"act": self._newest_act(), "kind": "close-organisation"}

    def _end(self) -> str:
        rows = [r for r in self.rows("organisation_closing") if r["withdrawn_at"] is None]
        [at] = [row["ends_at"] for row in rows if row["tenant_id"] == self.acme.id]
        return (
            (datetime.fromisoformat(at) if isinstance(at, str) else at)
            .replace(tzinfo=UTC)
            .isoformat()
        )

    def _two_admins(self) -> Iterator[Act]:
        asking = self._poster(self.acme.visit("second_admin", address="192.0.2.16"))
        deciding = self._poster(self.admin)
        first, second = self.acme["second_admin"].id, self.acme["admin"].id
        person = self.acme["member"].id
        target = f"user:{person}"

        def told(action: str, who: UUID, **detail: Any) -> Told:
            act = {"act": self._newest_act(), "kind": "reset-factors"}
            return Told(f"act.{action}", target, who, detail=act | detail)

        reason = {"reason": "dropped into the sea"}
        for end, poster, action, who in (
            ("withdraw", asking, "withdrawn", first),
            ("decline", deciding, "declined", second),
        ):
            yield asking(f"/members/{person}/reset-factors", reason, lambda _: [
                told("asked", first, **reason)
            ])  # fmt: skip
            yield poster(f"/approvals/{self._newest_act()}/{end}", {}, [told(action, who)])
        yield asking(f"/members/{person}/reset-factors", {}, lambda _: [
            told("asked", first, reason="")
        ])  # fmt: skip
        done = {
            "act": self._newest_act(),
            "asked_by": str(first),
            "removed": {"totp_device": 1, "passkey": 0, "recovery_code": 0},
            "ended_sessions": 2,
        }
        yield deciding(f"/approvals/{self._newest_act()}/approve", {}, [
            told("approved", second),
            Told("factor.reset", target, second, detail=done),
        ])  # fmt: skip

    def _newest_act(self) -> str:
        return str(max(row["id"] for row in self.rows("pending_act")))

    def _requests(self) -> Iterator[Act]:
        asking, deciding = self._poster(self.acme.visit("guest")), self._poster(self.admin)
        guest, admin = self.acme["guest"].id, self.acme["admin"].id
        folder, target = str(self.acme.folders["shared"]), f"user:{guest}"
        form = {"permission": "document:upload", "target": f"folder:{folder}", "reason": "Offers"}

        def told(action: str, who: UUID, **detail: Any) -> Told:
            request = {
                "request": self._newest_request(), "permission": "document:upload",
                "folder": folder,
            }  # fmt: skip
            about = f"folder:{folder}" if action == "asked" else target
            return Told(f"access.{action}", about, who, detail=request | detail)

        def asked(_: Act) -> list[Told]:
            return [told("asked", guest, reason="Offers")]

        yield asking("/requests/new", form, asked)
        yield asking(f"/requests/{self._newest_request()}/withdraw", {}, [told("withdrawn", guest)])
        yield asking("/requests/new", form, asked)
        yield deciding(f"/requests/{self._newest_request()}/decline", {"answer": "Not yet"}, [
            told("declined", admin, answer="Not yet")
        ])  # fmt: skip
        yield asking("/requests/new", form, asked)
        request = self._newest_request()

        def granted(_: Act) -> list[Told]:
            [given] = [
                str(row["id"])
                for row in self.rows("role_assignment")
                if (row["user_id"], row["role"]) == (guest, "member")
            ]
            held = {"role": "member", "assignment": given}
            return [
                Told("role.assigned", target, admin, detail=held | {
                    "folder": folder, "way": "request", "reason": f"Request {request}: Offers",
                    "expires_at": "2031-05-02T00:00:00+00:00",
                }),
                told("granted", admin, **held),
            ]  # fmt: skip

        until = {"role": "member", "until": "2031-05-01"}
        yield deciding(f"/requests/{request}/approve", until, granted)

    def _newest_request(self) -> str:
        return str(max(row["id"] for row in self.rows("access_request")))

    def _the_log(self) -> Iterator[Act]:
        officer = self.acme["officer"].id
        asked = {"target": "document", "outcome": "success", "without_action": "audit.read"}
        yield self._get(self.officer, "/audit?target=document&outcome=success", [
            Told("audit.read", "audit", officer, detail={"filters": asked})
        ])  # fmt: skip
        entry = self.acme.log()[0]["id"]
        yield self._get(self.officer, f"/audit/{entry}", [
            Told("audit.read", f"audit:{entry}", officer)
        ])  # fmt: skip
        first = min(row["id"] for row in self.rows("audit_leaf") if row["number"] == 0)
        yield self._get(self.officer, f"/audit/{first}/proof", [
            Told("audit.read", f"audit:{first}", officer, detail={"form": "proof"})
        ])  # fmt: skip

    def _the_export(self) -> Iterator[Act]:
        officer = self.acme["officer"].id
        what = {"form": "csv", "filters": {"target": "document", "without_action": "audit.read"}}
        form = {"form": "csv", "target": "document", "reason": "for the auditor"}
        yield self._poster(self.officer)("/audit/exports", form, lambda _: [
            Told("audit.export-made", f"log-export:{self._newest_export()}", officer,
                 detail=what | {"reason": "for the auditor"})
        ])  # fmt: skip
        yield self._get(self.officer, f"/audit/exports/{self._newest_export()}", [
            Told("audit.exported", f"log-export:{self._newest_export()}", officer, detail=what)
        ])  # fmt: skip

    def _newest_export(self) -> str:
        return str(max(row["id"] for row in self.rows("log_export")))

    def _explanations(self) -> Iterator[Act]:
        officer, member = self.acme["officer"].id, self.acme["member"].id
        target = f"folder:{self.acme.folders['shared']}"
        told = {"permission": "document:read", "about": target, "as_of": None}
        asked = "email=member@acme.example&permission=document:read"
        yield self._get(self.officer, f"/explain?{asked}&target={target}", [
            Told("access.explained", f"user:{member}", officer, detail=told)
        ])  # fmt: skip
        at = f"{portal_clock.now():%Y-%m-%dT%H:%M}"
        told = {"as_of": f"{at}:00+00:00"}
        for page in ("reach", "reach/export"):
            yield self._get(self.officer, f"/explain/{page}?target={target}&at={at}", [
                Told("access.explained", target, officer, detail=told)
            ])  # fmt: skip

    def _size_of(self, document: str) -> int:
        rows = self.acme.portal.rows("document_version")
        [size] = [r["size_bytes"] for r in rows if f"document:{r['document_id']}" == document]
        return size

    def _poster(self, browser: Visitor) -> Callable[..., Act]:
        def post(path: str, data: Any, told: Any, status: int = 302) -> Act:
            return Act(browser, "POST", path, _always(told), data, status=status)

        return post

    @staticmethod
    def _get(browser: Visitor, path: str, told: Any) -> Act:
        return Act(browser, "GET", path, _always(told), status=200)

    def _signed_in(self, before: Visitor) -> Visitor:
        """The same browser after a session was handed out to it: it sees its next form."""
        token = before.cookie("session")
        self.secrets[f"session token {len(self.secrets)}"] = token
        return self.acme.portal.visit(self.acme.host, token, address=before.address)

    def _secret_of(self, half: Visitor) -> None:
        self.totp_secret = self._secret_on(half, "/auth/enrol")

    def _secret_on(self, browser: Visitor, path: str) -> str:
        [qr_text] = re.findall(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", browser.get(path).text)
        secret = qr_text.replace(" ", "")
        self.secrets[f"authenticator's secret {len(self.secrets)}"] = secret
        return secret

    def _next_code(self) -> str:
        """A code that was not used yet."""
        self.clock.advance(seconds=30)
        return self._code_of(self.totp_secret)

    def _code_of(self, secret: str) -> str:
        code = pyotp.TOTP(secret).at(int(portal_clock.now().timestamp()))
        self.codes.add(code)
        return code

    def _link_of(self, act: Act) -> str:
        [token] = re.findall(r"/auth/invitations/([\w-]{43})", act.answer.text)
        self.secrets[f"invitation token {len(self.secrets)}"] = token
        return f"/auth/invitations/{token}"

    def _user(self, email: str) -> UUID:
        return next(row["id"] for row in self.rows("user_account") if row["email"] == email)

    def _given(self, person: UUID, role: str, **told: str) -> dict[str, Any]:
        """What the log tells of a role that somebody holds."""
        [made] = [
            row["id"]
            for row in self.rows("role_assignment")
            if (row["user_id"], row["role"]) == (person, role)
        ]
        usual = {"folder": None, "reason": "", "way": "page"}
        return usual | told | {"assignment": str(made), "role": role}

    def _factor(self, table: str, name: str) -> UUID:
        return next(row["id"] for row in self.rows(table) if row["name"] == name)

    def _session(self, browser: Visitor) -> UUID:
        own = hash_token(browser.cookie("session"))
        rows = self.rows("user_session")
        return next(row["id"] for row in rows if bytes(row["token_hash"]) == own)

    def _version(self, document: UUID, number: int) -> UUID:
        rows = self.rows("document_version")
        return next(r["id"] for r in rows if (r["document_id"], r["number"]) == (document, number))

    def _sealed_sha256(self, document: UUID) -> str:
        rows = self.rows("document_version")
        mine = [row for row in rows if row["document_id"] == document]
        newest = max(mine, key=lambda row: row["number"])
        return bytes(newest["sealed_sha256"]).hex()


def _always(told: Any) -> Callable[[Act], list[Told]]:
    return told if callable(told) else lambda _: told
