"""What concerns the whole organisation: sign-on, policies, keys, its log, its end."""

import re
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from portal.audit.actor import SYSTEM
from portal.audit.tlog.rotations import encoded, endorsement_of
from portal.auth.closing.service import ask_as_operator
from portal.documents.types import Family
from portal.keys.queries import list_signing_keys
from portal.keys.signing import sign_by
from tests.audit.day.acts import Act, Told
from tests.audit.day.marks import (
    CLIENT_SECRET,
    MATTER,
    OTHER_CLIENT_SECRET,
)
from tests.audit.day.scene import Scene
from tests.browsing import Visitor
from tests.documents.retention.keeping import end_holds


class TheOrganisation(Scene):
    """What concerns the whole organisation: sign-on, policies, keys, its log, its end."""

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
        with self.acme.bound():
            live, before, *_ = list_signing_keys()
            said = endorsement_of(str(self.acme.id), live.public_key, before.public_key)
            detail = {
                "public_key": encoded(live.public_key),
                "follows": encoded(before.public_key),
                "endorsement": encoded(sign_by(before, said)),
            }
        return Told("signing-key.made", f"signing-key:{live.id}", who, detail=detail)

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

    def _the_log(self) -> Iterator[Act]:
        officer = self.acme["officer"].id
        asked = {"target": "document", "outcome": "success", "without_action": "audit.read"}
        yield self._get(self.officer, "/audit?target=document&outcome=success", [
            Told("audit.read", "audit", officer, detail={"filters": asked})
        ])  # fmt: skip
        time = {"since": "2026-03-03T12:00", "until": "2026-03-04T12:00"}
        told = {name: f"{at.replace('T', ' ')}:00+00:00" for name, at in time.items()}
        yield self._get(self.officer, f"/audit/charts?readings=y&{urlencode(time)}", [
            Told("audit.read", "audit", officer, detail={"filters": told, "form": "charts"})
        ])  # fmt: skip
        yield self._get(self.officer, "/audit/live?readings=y&last=7d", [
            Told("audit.read", "audit", officer, detail={"filters": {}, "form": "live"})
        ], status=302)  # fmt: skip
        for kind, of, row_id in (
            ("document", "documents", self.acme.documents["note"]),
            ("user", "people", self.acme["member"].id),
        ):
            yield self._get(self.officer, f"/audit/{of}/{row_id}", [
                Told("audit.read", f"{kind}:{row_id}", officer, detail={"form": "timeline"})
            ])  # fmt: skip
        entry = self.acme.log()[0]["id"]
        yield self._get(self.officer, f"/audit/{entry}", [
            Told("audit.read", f"audit:{entry}", officer)
        ])  # fmt: skip
        first = min(row["id"] for row in self.rows("audit_leaf") if row["number"] == 0)
        yield self._get(self.officer, f"/audit/{first}/proof", [
            Told("audit.read", f"audit:{first}", officer, detail={"form": "proof"})
        ])  # fmt: skip

    def _the_searches(self) -> Iterator[Act]:
        officer, post = self.acme["officer"].id, self._poster(self.officer)
        path, form = "/audit/searches/new?outcome=refused&last=7d", {"name": "Refused of late"}
        told = {"name": "Refused of late", "is_shared": False}
        asked = {"filters": {"last": "7d", "outcome": "refused"}}
        yield post(path, form, lambda _: [
            Told("search.saved", self._search(), officer, detail=told | asked)
        ])  # fmt: skip
        own, target = self._search().partition(":")[2], self._search()
        told |= {"is_shared": True}
        yield post(f"/audit/searches/{own}/edit", form | {"is_shared": "y"}, [
            Told("search.changed", target, officer, detail=told)
        ])  # fmt: skip
        yield post(f"/audit/searches/{own}/delete", {}, [
            Told("search.deleted", target, officer, detail=told)
        ])  # fmt: skip

    def _search(self) -> str:
        [row] = self.rows("log_search")
        return f"log-search:{row['id']}"

    def _the_alerts(self) -> Iterator[Act]:
        officer, alert = self.acme["officer"].id, self.acme.kept["alert"]
        raised_by = str(self.acme.kept["alert rule"])
        yield self._get(self.officer, "/alerts", [Told("audit.read", "alerts", officer)])
        yield self._get(self.officer, f"/alerts/{alert}", [
            Told("audit.read", f"alert:{alert}", officer)
        ])  # fmt: skip
        post = self._poster(self.officer)
        yield post(f"/alerts/{alert}/acknowledge", {"comment": MATTER}, [
            Told("alert.acknowledged", f"alert:{alert}", officer, detail={"rule": raised_by})
        ])  # fmt: skip
        yield from self._the_alert_rules()
        hours = {"zone": "Europe/Berlin", "days": ["0", "1"], "begin": "08:00", "end": "17:00"}
        usual = {"zone": "UTC", "days": [0, 1, 2, 3, 4], "begin": "07:00", "end": "19:00"}
        yield post("/alerts/hours", hours, [
            Told("working-hours.changed", "working-hours", officer, detail={
                "before": usual, "after": hours | {"days": [0, 1]}
            })
        ])  # fmt: skip

    def _the_alert_rules(self) -> Iterator[Act]:
        post, officer = self._poster(self.officer), self.acme["officer"].id
        form = {
            "name": "Moves", "kind": "match", "actions": ["document.moved"], "who": "anybody",
            "unit": "minutes", "about": "all", "weight": "notice",
        }  # fmt: skip
        kept = {
            "kind": "match", "actions": ["document.moved"], "severity": "", "outcome": "",
            "target": "", "who": "anybody", "gives_power": False, "threshold": 1,
            "window_minutes": 0, "about": "all", "weight": "notice", "is_mailed": False,
            "is_on": True,
        }  # fmt: skip
        yield post("/alerts/rules/new", form, lambda _: [
            Told("alert-rule.created", f"alert-rule:{self._newest('alert_rule')}", officer,
                 detail={"name": "Moves", "rule": kept})
        ])  # fmt: skip
        made = self._newest("alert_rule")
        path, target = f"/alerts/rules/{made}", f"alert-rule:{made}"
        yield post(f"{path}/edit", form | {"weight": "alert"}, [
            Told("alert-rule.changed", target, officer, detail={
                "name": "Moves", "before": kept, "after": kept | {"weight": "alert"}
            })
        ])  # fmt: skip
        yield post(f"{path}/switch", {}, [
            Told("alert-rule.switched", target, officer, detail={"name": "Moves", "is_on": False})
        ])  # fmt: skip
        yield post(f"{path}/delete", {}, [
            Told("alert-rule.deleted", target, officer, detail={
                "name": "Moves", "rule": kept | {"weight": "alert", "is_on": False},
                "is_built_in": False,
            })
        ])  # fmt: skip

    def _the_reports(self) -> Iterator[Act]:
        officer, post = self.acme["officer"].id, self._poster(self.officer)
        for form, key in (("page", "access"), ("table", "sign-ins")):
            yield post(f"/reports/{key}/{form}", {}, self._report_told, status=200)
        entry = self._newest_report()
        yield self._get(self.officer, f"/reports/statements/{entry['id']}", [
            Told("audit.read", f"audit:{entry['id']}", officer, detail={"form": "statement"})
        ])  # fmt: skip

        post = self._poster(self.officer)
        yield post("/reports/own/file", {}, [
            Told("person.exported", f"user:{officer}", officer)
        ], status=200)  # fmt: skip
        member, form = self.acme["member"].id, {"reason": "asked by letter"}
        yield post(f"/reports/people/{member}", form, [
            Told("person.exported", f"user:{member}", officer, detail=form)
        ], status=200)  # fmt: skip

    def _report_told(self, act: Act) -> list[Told]:
        digest = sha256(act.answer.data).hexdigest()
        told = self._newest_report()["detail"]
        assert told["statement"]["sha256"] == digest
        return [Told("report.made", f"report:{digest}", self.acme["officer"].id, detail=told)]

    def _newest_report(self) -> dict[str, Any]:
        return [entry for entry in self.acme.log() if entry["action"] == "report.made"][-1]

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
