"""Sharing links, and what others do by them."""

import re
from collections.abc import Generator, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from portal.core import clock as portal_clock
from tests.audit.day.acts import Act, Told
from tests.audit.day.marks import (
    CONTENT,
    LINK_PASSWORD,
    RECIPIENT,
    SENDER,
)
from tests.audit.day.scene import Scene
from tests.browsing import Visitor
from tests.documents.samples import picture_of


class Links(Scene):
    """Sharing links, and what others do by them."""

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
        form = {"mode": "on", "max_days": "30", "conditions": "is_lock_required", "version": "",
                "ending": "1"}  # fmt: skip
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
