"""Roles, groups, sharing, requests, and what two people agree to."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from portal.core import clock as portal_clock
from tests.audit.day.acts import Act, Told
from tests.audit.day.scene import Scene


class Access(Scene):
    """Roles, groups, sharing, requests, and what two people agree to."""

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
