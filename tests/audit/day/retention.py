"""What is kept, brought back and destroyed."""

from collections.abc import Iterator
from typing import Any

from tests.audit.day.acts import Act, Told
from tests.audit.day.marks import FOLDER, MATTER, WHY_HELD
from tests.audit.day.scene import Scene


class Retention(Scene):
    """What is kept, brought back and destroyed."""

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
        form = {
            "name": "Letters", "folder": "", "media_type": "text/", "keep_days": "30",
            "seen": "None/30/None/None/text/",
        }  # fmt: skip
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
        yield post(f"{path}/edit", form | {"keep_days": "40", "seen": "None/40/None/None/text/"}, [
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

    def _how_long_the_log_is_kept(self) -> Iterator[Act]:
        yield self._poster(self.officer)("/audit/retention/edit", {"days": "500"}, [
            Told("log-policy.changed", "audit", self.acme["officer"].id,
                 detail={"before": None, "after": 500})
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
        form = {"email": self.acme["auditor"].email, "what": "account", "reason": WHY_HELD}
        for answer, action in (("refuse", "erasure.refused"), ("grant", "erasure.granted")):
            asked = ask("/retention/erasures/new", form, lambda a: [
                Told("erasure.asked", target, admin, detail={
                    "documents": False, "account": True, "request": str(a.made),
                })
            ])  # fmt: skip
            yield asked
            decision = {"decision": answer, "answer": WHY_HELD}
            yield decide(f"/retention/erasures/{asked.made}/decide", decision, [
                Told(action, target, officer, detail={"request": str(asked.made)})
            ])  # fmt: skip
        withdraw = f"/retention/erasures/{asked.made}/withdraw"
        yield decide(withdraw, {"reason": WHY_HELD}, [
            Told("erasure.withdrawn", target, officer, detail={"request": str(asked.made)})
        ])  # fmt: skip
