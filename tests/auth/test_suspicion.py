"""Whoever guesses at the second step knows the first: its owner is told, they are not."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portal.auth.notices import Notice
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation

WRONG = "000000"
GUESSER = "198.51.100.7"


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    portal.execute_everywhere("DELETE FROM job")


def half_way(organisation: Organisation, address: str = GUESSER) -> Visitor:
    """Somebody who has given the member's password."""
    visitor = organisation.visit(address=address)
    visitor.submit("/auth/sign-in", email=organisation["member"].email, password=PASSWORD)
    return visitor


def guess(visitor: Visitor, times: int) -> None:
    for _ in range(times):
        assert visitor.submit("/auth/code", code=WRONG).status_code == 401


def told(organisation: Organisation) -> Sequence[str]:
    """Whom the notice went to."""
    return [m["to"] for m in organisation.mails() if m["subject"] == Notice.WRONG_CODES.subject]


def suspected(organisation: Organisation) -> int:
    return [action for action, _ in organisation.told()].count("sign-in.suspected")


def test_the_third_wrong_code_is_told_to_the_owner(acme) -> None:
    guesser = half_way(acme)
    guess(guesser, 2)
    assert (told(acme), suspected(acme)) == ([], 0)
    guess(guesser, 1)
    assert (told(acme), suspected(acme)) == ([acme["member"].email], 1)
    [mail] = [m for m in acme.mails() if m["subject"] == Notice.WRONG_CODES.subject]
    assert GUESSER in mail["txt"]
    assert WRONG not in mail["txt"]


@on_sqlite
def test_wrong_recovery_codes_are_guesses_as_well(acme) -> None:
    guesser = half_way(acme)
    guess(guesser, 2)
    answer = guesser.submit("/auth/recovery-code", code="aaaa-bbbb-cccc")
    assert answer.status_code == 401
    assert told(acme) == [acme["member"].email]


@on_sqlite
def test_so_are_those_within_a_session(acme, clock) -> None:
    """Somebody sits at the member's machine."""
    clock.advance(minutes=15)
    inside = acme.visit("member")
    for _ in range(3):
        answer = inside.post("/auth/step-up", {"proof_code": WRONG})
        assert answer.status_code == 401
    assert told(acme) == [acme["member"].email]


def test_there_is_a_mail_an_hour_while_it_goes_on(acme, clock) -> None:
    guess(half_way(acme), 9)
    assert len(told(acme)) == suspected(acme) == 1
    clock.advance(minutes=59)
    guess(half_way(acme), 2)
    assert len(told(acme)) == 1
    clock.advance(minutes=2)
    guess(half_way(acme), 1)
    assert len(told(acme)) == suspected(acme) == 2


def test_of_wrong_codes_at_the_same_time_one_is_told(acme) -> None:
    guesser = half_way(acme)
    guess(guesser, 2)
    browsers = [acme.visit_half() for _ in range(6)]
    start = Barrier(len(browsers))

    def wrong(browser: Visitor) -> int:
        start.wait()
        return browser.post("/auth/code", {"code": WRONG}).status_code

    with ThreadPoolExecutor(len(browsers)) as pool:
        assert set(pool.map(wrong, browsers)) == {401}
    assert len(told(acme)) == suspected(acme) == 1


@on_sqlite
def test_slips_between_right_codes_are_told_to_nobody(acme, clock) -> None:
    for _ in range(3):
        visitor = half_way(acme)
        guess(visitor, 2)
        clock.advance(seconds=60)
        assert visitor.submit("/auth/code", code=acme["member"].code).status_code == 302
    assert (told(acme), suspected(acme)) == ([], 0)


@on_sqlite
def test_guessing_slowly_is_noticed_as_well(acme, clock) -> None:
    for _ in range(4):
        assert told(acme) == []
        guess(half_way(acme), 1)
        clock.advance(minutes=30)
    assert told(acme) == [acme["member"].email]


@on_sqlite
def test_whoever_guesses_sees_no_difference(acme) -> None:
    """The third answer, which tells the owner, is the second one."""
    guesser = acme.visit_half()
    pages = [guesser.post("/auth/code", {"code": WRONG}) for _ in range(3)]
    second, third = pages[1:]
    assert (second.status_code, second.text) == (third.status_code, third.text)
    assert set(second.headers.keys()) == set(third.headers.keys())
    assert "mail" not in third.text.lower()
    assert told(acme) == [acme["member"].email]


@on_sqlite
def test_a_code_that_does_not_prove_a_new_authenticator_is_no_guess(acme, clock) -> None:
    inside = acme.visit("member")
    for _ in range(3):
        page = inside.submit("/account/authenticators/new", code=WRONG, name="New")
        assert page.status_code == 401
    assert (told(acme), suspected(acme)) == ([], 0)


@on_sqlite
def test_it_is_counted_for_one_person_and_not_for_another(acme, globex) -> None:
    guess(half_way(acme), 3)
    assert (told(globex), suspected(globex)) == ([], 0)
    guess(half_way(globex), 3)
    assert told(globex) == [globex["member"].email]
