"""What has to be given besides the address, and how often it may be used."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.browsing import ADDRESS, Visitor
from tests.conftest import on_sqlite
from tests.documents.links.sharing import PASSWORD, link_of, make, opened, refused, row_of, uses_of
from tests.documents.pdfs import pdf_of
from tests.founding import CONTENTS
from tests.installation import Organisation
from tests.web.test_ongoing import BODY, begun, uploaded

CONTENT = CONTENTS["plan"][2]
ONE, OTHER = "one@partner.example", "other@partner.example"
LISTED = {"audience": "listed", "recipients": f"{ONE}\nOther@Partner.example"}


def content(acme: Organisation, stranger: Visitor, path: str) -> Any:
    return stranger.get(f"{path}/documents/{acme.documents['plan']}/download")


def code_for(acme: Organisation, stranger: Visitor, path: str, email: str = ONE) -> str:
    """The code that comes by mail."""
    before = len(acme.mails())
    assert stranger.post(f"{path}/codes", {"email": email}).status_code == 200
    acme.work()
    [mail] = acme.mails()[before:]
    assert mail["to"] == email
    return re.search(r"\b(\d{4} \d{4})\b", mail["txt"])[1]


# --- how often


def test_of_fifty_at_once_exactly_as_many_download_as_may(portal, acme) -> None:
    secret = make(acme, max_uses=7)
    visits = [opened(acme, secret) for _ in range(50)]
    barrier = Barrier(len(visits))

    def download(visit: tuple[Visitor, str]) -> int:
        barrier.wait()
        return content(acme, *visit).status_code

    with ThreadPoolExecutor(len(visits)) as pool:
        statuses = sorted(pool.map(download, visits))
    assert statuses == [200] * 7 + [410] * 43
    assert row_of(acme)["uses"] == 7
    assert uses_of(acme).count(("downloaded", "")) == 7
    assert acme.told().count(("document.downloaded", "success")) == 7


@on_sqlite
def test_parts_of_a_content_do_not_go_round_the_count(acme) -> None:
    stranger, path = opened(acme, make(acme, max_uses=2))
    there = f"{path}/documents/{acme.documents['plan']}/download"
    part = stranger.get(there, headers={"Range": "bytes=1-"})
    assert (part.status_code, part.data) == (200, CONTENT)
    assert part.headers["Accept-Ranges"] == "none"
    assert stranger.get(there, headers={"Range": "bytes=0-0"}).data == CONTENT
    assert stranger.get(there, headers={"Range": "bytes=0-0"}).status_code == 410


@on_sqlite
def test_asking_about_a_download_uses_none_and_is_none(acme) -> None:
    stranger, path = opened(acme, make(acme, max_uses=1))
    there = f"{path}/documents/{acme.documents['plan']}/download"
    told = len(acme.log())
    for _ in range(3):
        asked = stranger.open(there, "HEAD")
        assert (asked.status_code, asked.data) == (200, b"")
        assert asked.content_length == len(CONTENT)
    assert row_of(acme)["uses"] == 0
    assert uses_of(acme) == [("opened", "")]
    assert len(acme.log()) == told
    assert stranger.get(there).data == CONTENT
    assert stranger.open(there, "HEAD").status_code == 410
    assert uses_of(acme)[1:] == [("downloaded", ""), ("refused", "used-up")]


@on_sqlite
@pytest.mark.parametrize("filled", [{"password": PASSWORD}, LISTED, {"audience": "members"}])
def test_who_owes_something_is_not_even_told_how_large_a_content_is(acme, filled) -> None:
    stranger, path = opened(acme, make(acme, **filled))
    for document in (acme.documents["plan"], acme.documents["note"]):
        asked = stranger.open(f"{path}/documents/{document}/download", "HEAD")
        assert asked.status_code == 403
        assert "ETag" not in asked.headers


@on_sqlite
def test_pages_as_pictures_do_not_go_round_the_count(acme) -> None:
    sent = acme.visit("member").upload("Plan.pdf", pdf_of("One"), acme.folders["shared"])
    there = f"/documents/{sent.json['id']}"
    stranger, path = opened(acme, make(acme, f"/links{there}/new", max_uses=1))
    assert stranger.get(f"{path}{there}/picture").status_code == 403
    assert row_of(acme)["uses"] == 0


@on_sqlite
def test_the_last_download_that_may_be_goes_to_its_end_however_slowly(acme, clock) -> None:
    there = uploaded(acme)
    stranger, path = opened(acme, make(acme, f"/links{there}/new", max_uses=1))
    with begun(stranger, f"{path}{there}") as pieces:
        first = next(pieces)
        clock.advance(seconds=3)
        assert first + b"".join(pieces) == BODY


@on_sqlite
def test_where_nothing_is_counted_a_download_can_be_taken_up_again(acme) -> None:
    stranger, path = opened(acme, make(acme))
    there = f"{path}/documents/{acme.documents['plan']}/download"
    part = stranger.get(there, headers={"Range": "bytes=3-"})
    assert (part.status_code, part.data) == (206, CONTENT[3:])


# --- the password


def test_a_password_is_asked_for_and_kept_as_a_hash(acme) -> None:
    stranger, path = opened(acme, make(acme, password=PASSWORD))
    assert content(acme, stranger, path).status_code == 403
    assert stranger.post(f"{path}/password", {"password": "wrong"}).status_code == 403
    assert content(acme, stranger, path).status_code == 403
    assert stranger.post(f"{path}/password", {"password": PASSWORD}).status_code == 302
    assert content(acme, stranger, path).data == CONTENT
    kept = str(row_of(acme)["password_hash"])
    assert kept.startswith("$argon2id$")
    assert PasswordHasher().verify(kept, PASSWORD)
    assert PASSWORD not in str(acme.portal.dump())


@on_sqlite
def test_a_password_is_given_in_each_browser(acme) -> None:
    secret = make(acme, password=PASSWORD)
    stranger, path = opened(acme, secret)
    stranger.post(f"{path}/password", {"password": PASSWORD})
    other, path = opened(acme, secret)
    assert content(acme, other, path).status_code == 403


@on_sqlite
def test_a_weak_password_is_none(acme) -> None:
    assert "8 characters" in refused(acme, password="short")
    assert refused(acme, password="password1")


def test_guesses_wait_and_keep_neither_others_nor_the_maker_out(acme, clock) -> None:
    secret = make(acme, password=PASSWORD)
    guesser, path = opened(acme, secret, "203.0.113.9")
    statuses = [
        guesser.post(f"{path}/password", {"password": f"guess {n}"}).status_code for n in range(12)
    ]
    assert statuses == [403] * 10 + [429] * 2
    assert guesser.post(f"{path}/password", {"password": PASSWORD}).status_code == 429
    assert uses_of(acme)[-1] == ("refused", "too-many-tries")
    assert acme.told()[-1] == ("link.refused", "refused")
    other, path = opened(acme, secret, "203.0.113.10")
    assert other.post(f"{path}/password", {"password": PASSWORD}).status_code == 302
    own = acme.visit("member", address="203.0.113.9")
    assert own.get(f"/documents/{acme.documents['plan']}/download").data == CONTENT


@on_sqlite
def test_right_and_wrong_passwords_cost_one_hash_each(acme) -> None:
    stranger, path = opened(acme, make(acme, password=PASSWORD))
    for given in ("wrong", "", "x" * 256, PASSWORD):
        with hashes() as made:
            stranger.post(f"{path}/password", {"password": given})
        assert len(made) == bool(given), given


@contextmanager
def hashes() -> Iterator[list[str]]:
    """The passwords that are verified meanwhile: what takes the time."""
    seen, verify = [], PasswordHasher.verify

    def counted(hasher, kept, given):
        seen.append(given)
        return verify(hasher, kept, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHasher, "verify", counted)
        yield seen


# --- a code by mail


def test_a_listed_person_comes_in_by_a_code_and_is_known(acme) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    assert content(acme, stranger, path).status_code == 403
    code = code_for(acme, stranger, path)
    assert stranger.post(f"{path}/code", {"email": ONE, "code": code}).status_code == 302
    assert content(acme, stranger, path).data == CONTENT
    assert ONE in acme.visit("member").get(f"/links/{row_of(acme)['id']}").text
    assert ONE not in str(acme.log())
    assert ONE not in str(acme.portal.dump())


@on_sqlite
def test_a_code_works_once_for_one_person_and_for_ten_minutes(acme, clock) -> None:
    secret = make(acme, **LISTED)
    stranger, path = opened(acme, secret)
    code = code_for(acme, stranger, path)

    def give(email: str = ONE, typed: str = code, link: str = path, who: Visitor = stranger) -> int:
        return who.post(f"{link}/code", {"email": email, "code": typed}).status_code

    assert give(email=OTHER) == 403
    wrong = stranger.post(f"{path}/code", {"email": ONE, "code": "0000 0000"})
    assert wrong.status_code == 403
    assert "Try again, or ask for another one." in wrong.text
    other, other_path = opened(acme, make(acme, **LISTED))
    assert give(link=other_path, who=other) == 403, "a code of one link opens another"
    assert give() == 302
    again, _ = opened(acme, secret)
    assert give(who=again) == 403, "a code works twice"
    late = code_for(acme, again, path)
    clock.advance(minutes=10, seconds=1)
    assert give(typed=late, who=again) == 403
    first, second = code_for(acme, again, path), code_for(acme, again, path)
    assert give(typed=first, who=again) == 403, "an earlier code works beside a later one"
    assert give(typed=second, who=again) == 302


def test_of_two_who_give_one_code_at_once_one_comes_in(acme) -> None:
    secret = make(acme, **LISTED)
    visits = [opened(acme, secret) for _ in range(6)]
    code, barrier = code_for(acme, *visits[0]), Barrier(len(visits))

    def give(visit: tuple[Visitor, str]) -> int:
        stranger, path = visit
        barrier.wait()
        return stranger.post(f"{path}/code", {"email": ONE, "code": code}).status_code

    with ThreadPoolExecutor(len(visits)) as pool:
        assert sorted(pool.map(give, visits)) == [302] + [403] * 5


@on_sqlite
def test_whoever_is_not_listed_gets_the_same_answer_and_no_mail(acme) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    answers = []
    for email in (ONE, "nobody@partner.example"):
        answer = stranger.post(f"{path}/codes", {"email": email})
        text = re.sub(r'name="csrf_token"[^>]*>', "", answer.text)
        answers.append((answer.status_code, text.replace(email, "THEM")))
    assert answers[0] == answers[1]
    assert acme.told()[-2:] == [("link.code-asked", "success")] * 2
    before = len(acme.mails())
    acme.work()
    assert [mail["to"] for mail in acme.mails()[before:]] == [ONE]
    assert ("refused", "not-listed") in uses_of(acme)
    assert acme.told()[-1] == ("link.refused", "refused")
    [entry] = [entry for entry in acme.log() if entry["action"] == "link.refused"]
    assert entry["address"] == ADDRESS
    page = acme.visit("member").get(f"/links/{link_of(acme)}").text
    assert "asked for a code, and is not listed" in page
    assert "nobody@partner.example" in page


@on_sqlite
@pytest.mark.parametrize("step", ["password", "codes", "code"])
def test_a_step_that_is_asked_for_by_its_address_leads_on(acme, step) -> None:
    """A page that came in answer to a form was dropped, and is opened again."""
    stranger, path = opened(acme, make(acme, **LISTED))
    stranger.post(f"{path}/codes", {"email": ONE})
    assert stranger.get(f"{path}/{step}").location == path


@on_sqlite
@pytest.mark.parametrize("email", [ONE, "nobody@partner.example"])
def test_a_wrong_code_costs_the_same_whether_listed_or_not(acme, monkeypatch, email) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    code_for(acme, stranger, path)
    with hashes() as made:
        stranger.post(f"{path}/code", {"email": email, "code": "1234 5678"})
    assert made == ["12345678"]


@on_sqlite
def test_codes_are_not_to_be_guessed_nor_mails_to_be_poured_out(acme, clock) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    code = code_for(acme, stranger, path)
    for n in range(10):
        wrong = stranger.post(f"{path}/code", {"email": ONE, "code": f"{n:08}"})
        assert wrong.status_code == 403
    right = stranger.post(f"{path}/code", {"email": ONE, "code": code})
    assert right.status_code == 429
    asked = [stranger.post(f"{path}/codes", {"email": OTHER}).status_code for _ in range(7)]
    assert asked == [200] * 5 + [429] * 2


@on_sqlite
@pytest.mark.parametrize(
    "email", ["one@partner.example\nBcc: all@acme.example", "a@b.example\r\nX: y", "no mail", "@"]
)
def test_what_is_no_address_is_no_recipient(acme, email) -> None:
    listed = {"audience": "listed", "recipients": email}
    assert "is not an e-mail" in refused(acme, **listed)
    stranger, path = opened(acme, make(acme, **LISTED))
    assert stranger.post(f"{path}/codes", {"email": email}).status_code == 422


@on_sqlite
def test_who_asked_too_long_ago_gets_no_code_any_more(acme, clock) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    stranger.post(f"{path}/codes", {"email": ONE})
    clock.advance(minutes=11)
    before = len(acme.mails())
    acme.work()
    assert len(acme.mails()) == before
