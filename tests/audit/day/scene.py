"""Who acts on that day, and what they look up to go on."""

import re
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pyotp

from portal.auth.tokens import hash_token
from portal.core import clock as portal_clock
from tests.audit.day.acts import Act, always
from tests.audit.day.marks import (
    CLIENT_SECRET,
    CONTENT,
    FILE,
    FOLDER,
    LINK_PASSWORD,
    MATTER,
    NEW_PASSWORD,
    NEWCOMERS_PASSWORD,
    NOTE,
    OTHER_CLIENT_SECRET,
    OTHER_FILE,
    OTHER_FOLDER,
    OTHER_NOTE,
    RECIPIENT,
    REPLACED_PASSWORD,
    SENDER,
    WHY_HELD,
    WRONG_PASSWORD,
)
from tests.browsing import Visitor
from tests.installation import PASSWORD, Organisation


class Scene:
    """The people at their browsers, and the secrets that they come to know."""

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

    def _newest_document(self) -> UUID:
        return max(row["id"] for row in self.rows("document"))

    def _newest(self, table: str) -> UUID:
        return max(row["id"] for row in self.rows(table) if row["tenant_id"] == self.acme.id)

    def _size_of(self, document: str) -> int:
        rows = self.acme.portal.rows("document_version")
        [size] = [r["size_bytes"] for r in rows if f"document:{r['document_id']}" == document]
        return size

    def _poster(self, browser: Visitor) -> Callable[..., Act]:
        def post(path: str, data: Any, told: Any, status: int = 302) -> Act:
            return Act(browser, "POST", path, always(told), data, status=status)

        return post

    @staticmethod
    def _get(browser: Visitor, path: str, told: Any, status: int = 200) -> Act:
        return Act(browser, "GET", path, always(told), status=status)

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
