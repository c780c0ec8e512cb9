"""What a form may do is asked once all of it is here, however long its sender holds it back."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.access.asked import roles_of
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import Organisation


class Withheld(io.RawIOBase):
    """A body of which nothing comes before something else has happened."""

    def __init__(self, body: bytes, first: Callable[[], Any]) -> None:
        self.body = io.BytesIO(body)
        self.first: Callable[[], Any] | None = first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.first is not None:
            first, self.first = self.first, None
            with ThreadPoolExecutor(1) as pool:  # as another worker does it
                pool.submit(Context().run, first).result()
        return self.body.readinto(buffer)


def post_slowly(visitor: Visitor, path: str, form: dict[str, str], first: Callable[[], Any]) -> int:
    body = urlencode({"csrf_token": visitor.csrf_token, **form}).encode()
    sent = {
        "wsgi.input": io.BufferedReader(Withheld(body, first)),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    return visitor.open(path, "POST", environ_overrides=sent).status_code


def take_away(organisation: Organisation) -> None:
    """The first admin's role, by the second."""
    admin = organisation["admin"].id
    [held] = [r for r in organisation.portal.rows("role_assignment") if r["user_id"] == admin]
    second = organisation.visit("second_admin")
    answer = second.post(f"/members/{admin}/roles/{held['id']}/remove")
    assert answer.status_code == 302


def shut_out(organisation: Organisation) -> None:
    path = f"/members/{organisation['admin'].id}/deactivate"
    assert organisation.visit("second_admin").post(path).status_code == 302


GIVING = {"role": "admin", "folder": "", "reason": "", "until": ""}


@pytest.mark.parametrize("act", ["roles", "deactivate"])
@pytest.mark.parametrize(("first", "status"), [(take_away, 403), (shut_out, 401)])
def test_what_was_taken_away_meanwhile_lets_nobody_act(acme, first, status, act) -> None:
    path = f"/members/{acme['member'].id}/{act}"
    assert post_slowly(acme.visit("admin"), path, GIVING, lambda: first(acme)) == status
    assert "admin" not in roles_of(acme, "member")
    assert ("member.deactivated", f"user:{acme['member'].id}") not in told(acme)


def test_a_form_that_comes_slowly_is_taken(acme) -> None:
    path = f"/members/{acme['member'].id}/roles"
    assert post_slowly(acme.visit("admin"), path, GIVING, lambda: None) == 302
    assert "admin" in roles_of(acme, "member")


@on_sqlite
@pytest.mark.parametrize("path", ["/nowhere", "/documents/none/versions"])
def test_what_leads_nowhere_is_not_waited_for(acme, path) -> None:
    """A proxy passes on what is sent to the addresses of uploads as it comes, from anybody."""
    read = []
    assert post_slowly(acme.visit(), path, GIVING, lambda: read.append(path)) == 404
    assert not read


def told(organisation: Organisation) -> list[tuple[str, str]]:
    return [(entry["action"], entry["target"]) for entry in organisation.log()]
