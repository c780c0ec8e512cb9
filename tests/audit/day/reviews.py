"""Access reviews."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from portal.core import clock as portal_clock
from tests.audit.day.acts import Act, Told
from tests.audit.day.scene import Scene


class Reviews(Scene):
    """Access reviews."""

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
