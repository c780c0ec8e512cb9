"""An organisation and the provider by which its people sign in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.browsing import Visitor
from tests.harness.oidc import SECRET, OidcProvider, client
from tests.installation import Organisation

SETTINGS = {
    "name": "Login",
    "client_id": "portal",
    "client_secret": SECRET,
    "allowed_domains": "acme.example\nglobex.example",
    "default_role": "member",
    "groups_claim": "groups",
    "group_roles": "",
}


@dataclass
class Joined:
    """The two, with what people do there. `id` is the provider's in the organisation."""

    organisation: Organisation
    provider: OidcProvider
    id: str = ""

    @property
    def base(self) -> str:
        return self.organisation.visit().base

    def register(self) -> None:
        """What the admin of the provider does."""
        self.provider.register(
            client(
                "portal",
                f"{self.base}/sso/callback",
                post_logout_redirect_uris=[f"{self.base}/sso/signed-out"],
                backchannel_logout_uri=f"{self.base}/sso/backchannel-logout",
                backchannel_logout_session_required=True,
            )
        )

    def enter(self, **settings: Any) -> TestResponse:
        """What the organisation's admin enters."""
        form = SETTINGS | {"issuer": self.provider.issuer} | settings
        answer = self.organisation.visit("admin").post("/sso/new", form)
        assert answer.status_code == 302, answer.text
        self.id = answer.location.rpartition("/")[2]
        return answer

    def change(self, who: str = "admin", **settings: Any) -> TestResponse:
        form = SETTINGS | {"issuer": self.provider.issuer, "client_secret": ""} | settings
        return self.organisation.visit(who).post(f"/sso/{self.id}/edit", form)

    def test(self, account: str = "mia") -> TestResponse:
        """Run a test sign-in."""
        admin = self.organisation.visit("admin")
        return self.come_back(admin, admin.post(f"/sso/{self.id}/test"), account)

    def offer(self) -> None:
        answer = self.organisation.visit("admin").post(f"/sso/{self.id}/offer")
        assert answer.status_code == 302, answer.text

    def sign_in(
        self, visitor: Visitor | None = None, account: str = "mia", **form: str
    ) -> TestResponse:
        """Press the button, and come back."""
        visitor = visitor or self.organisation.visit()
        return self.come_back(visitor, self.begin(visitor, **form), account)

    def inside(self, account: str = "mia") -> Visitor:
        """A browser in which somebody has signed in."""
        visitor = self.organisation.visit()
        self.sign_in(visitor, account)
        token = visitor.cookie("session")
        assert token
        return self.organisation.portal.visit(self.organisation.host, token)

    def begin(self, visitor: Visitor, **form: str) -> TestResponse:
        return visitor.post("/sso/begin", {"provider": self.id, **form})

    def come_back(
        self, visitor: Visitor, answer: TestResponse, account: str = "mia"
    ) -> TestResponse:
        """Follow the page that leads to the provider, sign in there, and be led back."""
        return visitor.get(self.way_back(self.provider.sign_in(leads_to(answer), account)))

    @staticmethod
    def way_back(address: str) -> str:
        """An address of ours without its host."""
        parts = urlsplit(address)
        return f"{parts.path}?{parts.query}"


def leads_to(answer: TestResponse) -> str:
    """Where a page leads on to by itself."""
    assert answer.status_code == 200, answer.text
    return answer.headers["Refresh"].removeprefix("0; url=")
