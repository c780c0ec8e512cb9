"""A real OpenID provider for the tests: npm's `oidc-provider`, on a free port of the loopback."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urljoin

import requests

from tests.harness.browser import NPM_FOLDER, find_node

REDIRECTS = (302, 303)
SECRET = "kept between a client and its provider"


@dataclass
class OidcProvider:
    """A running provider. It signs in whoever names one of its accounts, without a password."""

    process: subprocess.Popen[str]
    log: IO[str]
    issuer: str = ""
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def register(self, *clients: dict[str, Any]) -> None:
        """Know these clients, and no other."""
        self._tell(clients=clients)

    def change_account(self, subject: str, **claims: Any) -> None:
        """Give an account other claims (`groups`, `email`…), or make it."""
        self.accounts.setdefault(subject, {}).update(claims)
        self._tell(accounts=self.accounts)

    def sign_in(self, address: str, account: str, browser: requests.Session | None = None) -> str:
        """Go there as a browser does, and sign in; gives the address that leads back to the client.

        Whoever comes in a browser that is signed in already is not asked who they are.
        """
        browser = browser or requests.Session()
        answer = browser.get(address, allow_redirects=False)
        while answer.status_code in REDIRECTS:
            target = urljoin(answer.url, answer.headers["Location"])
            if not target.startswith(f"{self.issuer}/"):
                return target
            is_asked = target.startswith(f"{self.issuer}/login/")
            form = {"account": account} if is_asked else None
            answer = browser.request(
                "POST" if form else "GET", target, data=form, allow_redirects=False
            )
        raise AssertionError(answer.text)

    def rotate_keys(self, *, keep_old: bool = False) -> None:
        """Sign with new keys from now on. The old ones stay in the key set, or are gone from it."""
        self._tell(newKeys="beside" if keep_old else "instead")

    def deliveries(self) -> list[tuple[str, str]]:
        """The logout tokens sent to clients: (client id, what went wrong or "")."""
        return [(client, fault) for client, fault in self._tell()["deliveries"]]

    def _tell(self, **changes: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        try:
            print(json.dumps(changes), file=self.process.stdin, flush=True)
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as error:
            self.process.wait(timeout=10)
            self.log.seek(0)
            raise RuntimeError(f"the OpenID provider has ended:\n{self.log.read()}") from error
        return answer


def client(
    client_id: str, *redirect_uris: str, secret: str = SECRET, **more: Any
) -> dict[str, Any]:
    """A client as `register` takes it; `more` is metadata such as `post_logout_redirect_uris`."""
    return {
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uris": redirect_uris,
        **more,
    }


@contextmanager
def oidc_provider(
    *clients: dict[str, Any],
    accounts: dict[str, dict[str, Any]] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    pkce_required: bool = True,
) -> Iterator[OidcProvider]:
    """A provider for the block. Its issuer is `http://<host>:<port>`, by default on a free port."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [find_node(), "oidc_provider.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=NPM_FOLDER,
            text=True,
            # Ctrl-C reaches pytest alone, which then stops the provider when it has done with it.
            start_new_session=True,
        )
        provider = OidcProvider(process, log, accounts=dict(accounts or {}))
        try:
            provider.issuer = provider._tell(
                clients=clients,
                accounts=provider.accounts,
                host=host,
                port=port,
                pkceRequired=pkce_required,
            )["issuer"]
            yield provider
        finally:
            process.communicate()  # closes its standard input and waits for its end
