"""Where the log is sent."""

import re
from collections.abc import Iterator

from tests.audit.day.acts import Act, Told
from tests.audit.day.scene import Scene
from tests.installation import NOWHERE


class Destinations(Scene):
    """A webhook is made, tried, changed, started, stopped, set back and deleted."""

    def _the_destinations(self) -> Iterator[Act]:
        post, who = self._poster(self.officer), self.acme["officer"].id
        form = {"name": "SIEM", "address": NOWHERE, "rhythm": "each", "entry_form": "cef"}
        gets = {"kind": "webhook", "checkpoints": "each", "form": "cef", "alerts": False}

        def told(verb: str, outcome: str = "success", **detail: object) -> list[Told]:
            target = f"destination:{self._newest('log_destination')}"
            return [Told(f"destination.{verb}", target, who, outcome, detail)]

        made = post(
            "/audit/destinations/new/webhook", form, lambda _: told("created", **gets), status=200
        )
        yield made
        self._keep_secret(made)
        path = f"/audit/destinations/{self._newest('log_destination')}"
        said = "It did not answer, or too slowly."
        yield post(f"{path}/test", {}, told("tested", "failure", said=said), status=200)
        other = gets | {"form": "ocsf", "alerts": True}
        form |= {"entry_form": "ocsf", "wants_alerts": "y"}
        yield post(f"{path}/edit", form, told("changed", **other))
        renewed = post(f"{path}/secret", {}, told("changed", what="secret"), status=200)
        yield renewed
        self._keep_secret(renewed)
        yield post(f"{path}/start", {}, told("started"))
        yield post(f"{path}/stop", {}, told("stopped"))
        before = next(
            row["next_number"]
            for row in self.rows("log_destination")
            if row["id"] == self._newest("log_destination")
        )
        yield post(f"{path}/restart", {"number": "3"}, told("restarted", before=before, after=3))
        yield post(f"{path}/delete", {}, told("deleted", **other))

    def _keep_secret(self, act: Act) -> None:
        [secret] = re.findall(r"whsec_[\w+/=]{44}", act.answer.text)
        self.secrets[f"secret of a webhook {len(self.secrets)}"] = secret
