"""How people come in: invitations, passwords, factors and sessions."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.audit.day.acts import Act, Told, always
from tests.audit.day.marks import (
    AUTHENTICATOR,
    NEW_PASSWORD,
    NEWCOMERS_PASSWORD,
    PASSKEY,
    REPLACED_PASSWORD,
    WRONG_CODE,
    WRONG_PASSWORD,
)
from tests.audit.day.scene import Scene
from tests.auth.factors.device import Device
from tests.browsing import Visitor


class People(Scene):
    """How people come in: invitations, passwords, factors and sessions."""

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
        return Act(browser, "POST", page, always(told), data, status=status)

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
        yield post(f"{path}/rename", {"name": "Nova Comer-Hill"}, [
            Told("member.renamed", target, admin, detail={
                "name_before": "Newcomer", "name": "Nova Comer-Hill",
            })
        ])  # fmt: skip
        yield post(f"{path}/deactivate", {}, [
            Told("member.deactivated", target, admin, detail={"ended_sessions": 0})
        ])  # fmt: skip
        yield post(f"{path}/reactivate", {}, [
            Told("member.reactivated", target, admin, detail={"state": "active"})
        ])  # fmt: skip
