"""Recovery codes: shown once, good once, and told of."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.auth.factors import recovery
from portal.core import settings
from tests.auth.factors.device import half_way, is_inside, token_on
from tests.browsing import Visitor
from tests.conftest import on_sqlite

CODE = r"[a-hjkmnp-tv-z2-9]{4}(?:-[a-hjkmnp-tv-z2-9]{4}){2}"


def codes_on(page: str) -> Sequence[str]:
    """The codes a page shows, each in an element of its own: the middle of an id looks like one."""
    return re.findall(rf"<span>({CODE})\s*<", page)


def make_codes(visitor: Visitor) -> Sequence[str]:
    answer = visitor.submit("/account/recovery-codes")
    assert answer.status_code == 200
    return codes_on(answer.text)


def give(visitor: Visitor, code: str) -> int:
    return visitor.submit("/auth/recovery-code", code=code).status_code


# What is a code


signs = st.text(recovery.ALPHABET, min_size=recovery.LENGTH, max_size=recovery.LENGTH)
noise = st.lists(st.sampled_from([" ", "-", "\t", "\u00a0", "\u2011", "\u2013"]), max_size=3)


@given(signs, st.data())
def test_a_code_may_be_typed_in_any_case_with_spaces_and_dashes(code, data) -> None:
    typed = "".join(
        "".join(data.draw(noise)) + (sign.upper() if data.draw(st.booleans()) else sign)
        for sign in code
    )
    assert recovery.read_code(typed) == code


@given(st.text(max_size=40))
def test_whatever_is_read_is_of_the_codes_own_signs(typed) -> None:
    code = recovery.read_code(typed)
    if code is not None:
        assert re.fullmatch(rf"[{recovery.ALPHABET}]{{{recovery.LENGTH}}}", code)
        letters = [sign for sign in typed if sign.isalnum()]
        assert all(sign.isascii() for sign in letters), "another script has passed for ours"
        assert "".join(letters).lower() == code


@given(signs, st.integers(0, recovery.LENGTH - 1))
def test_a_sign_of_another_script_makes_it_no_code(code, place) -> None:
    """Full-width signs, and the Kelvin sign, which is a k in lower case."""
    wide = chr(ord(code[place]) - 0x21 + 0xFF01)
    for other in (wide, "\u212a", "\u0661", "\u0967", "\u0430"):
        assert recovery.read_code(code[:place] + other + code[place + 1 :]) is None


def test_codes_are_ten_and_hard_to_guess() -> None:
    codes = [code for _ in range(20) for code in recovery.new_codes()]
    assert len(set(codes)) == 200
    assert all(re.fullmatch(CODE, code) for code in codes)
    assert set("".join(codes)) == set(recovery.ALPHABET) | {"-"}
    assert not set("il1o0u") & set(recovery.ALPHABET)
    assert len(recovery.ALPHABET) ** recovery.LENGTH > 2**50


# What a code opens


def test_a_code_takes_the_place_of_the_lost_factor_once(portal, acme) -> None:
    codes = make_codes(acme.visit("member"))
    assert len(codes) == recovery.COUNT
    visitor = half_way(acme)
    assert "/auth/recovery-code" in visitor.get("/auth/code").text
    assert give(visitor, codes[3].upper().replace("-", " ")) == 302
    assert is_inside(visitor)
    assert acme.told()[-2:] == [("recovery-code.used", "success"), ("sign-in.succeeded", "success")]
    used, signed_in = acme.log()[-2:]
    assert used["detail"] == {"left": 9}
    assert signed_in["detail"] == {"assurance": "password+recovery-code"}
    again = half_way(acme)
    assert give(again, codes[3]) == 401
    assert not is_inside(again)
    assert give(again, codes[4]) == 302


def test_whoever_used_a_code_is_told_by_mail(acme) -> None:
    codes = make_codes(acme.visit("member"))
    before = len(acme.mails())
    assert give(half_way(acme), codes[0]) == 302
    [mail] = acme.mails()[before:]
    assert mail["to"] == acme["member"].email
    assert mail["subject"] == "A recovery code was used"
    assert codes[0] not in repr(mail)


def test_of_two_who_use_a_code_at_once_one_comes_in(acme) -> None:
    codes = make_codes(acme.visit("member"))
    visitors = [half_way(acme) for _ in range(6)]
    for visitor in visitors:
        visitor.csrf_token = token_on(visitor, "/auth/recovery-code")
    start = Barrier(len(visitors))

    def redeem(visitor: Visitor) -> int:
        start.wait()
        return visitor.post("/auth/recovery-code", {"code": codes[0]}).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(redeem, visitors))
    assert statuses == [302] + [401] * 5
    assert acme.told().count(("recovery-code.used", "success")) == 1


def test_a_code_is_somebodys_own(acme, globex) -> None:
    codes = make_codes(acme.visit("admin"))
    assert give(half_way(acme), codes[0]) == 401
    make_codes(acme.visit("member"))
    assert give(half_way(acme), codes[0]) == 401
    assert give(half_way(globex, "admin"), codes[0]) == 401


def test_new_codes_end_the_old_ones(portal, acme) -> None:
    visitor = acme.visit("member")
    old, new = make_codes(visitor), make_codes(visitor)
    assert len(portal.rows("recovery_code")) == recovery.COUNT
    half = half_way(acme)
    assert give(half, old[0]) == 401
    assert give(half, new[0]) == 302


def test_codes_made_twice_at_once_are_ten(portal, acme) -> None:
    visitors = [acme.visit("member") for _ in range(4)]
    start = Barrier(len(visitors))

    def make(visitor: Visitor) -> str:
        start.wait()
        return visitor.post("/account/recovery-codes").text

    with ThreadPoolExecutor(len(visitors)) as pool:
        sets = [codes_on(page) for page in pool.map(make, visitors)]
    assert len(portal.rows("recovery_code")) == recovery.COUNT
    good = [give(half_way(acme), codes[0]) for codes in sets if codes]
    assert good.count(302) == 1


def test_a_dearer_setting_does_not_end_the_codes_there_are(portal, acme) -> None:
    codes = make_codes(acme.visit("member"))
    portal.use(password_time_cost=2, password_memory_kib=16)
    assert give(half_way(acme), codes[0]) == 302


@on_sqlite
@pytest.mark.parametrize("typed", ["aaaa-aaaa-aaaa", "x", "-", "\u0661" * 12, "a\0b", "é" * 12])
def test_what_is_no_code_is_refused(acme, typed) -> None:
    make_codes(acme.visit("member"))
    visitor = half_way(acme)
    assert give(visitor, typed) == 401
    assert acme.log()[-1]["detail"] == {"step": "recovery-code"}


def test_guesses_are_counted_with_those_at_codes(acme, clock) -> None:
    codes = make_codes(acme.visit("member"))
    visitor = half_way(acme)
    for n in range(10):
        answer = (
            visitor.submit("/auth/code", code="000000").status_code
            if n % 2
            else give(visitor, "aaaa-aaaa-aaaa")
        )
        assert answer == 401
    assert give(visitor, codes[0]) == 429
    clock.advance(minutes=15)
    assert give(visitor, codes[0]) == 302


# How they are kept, and shown


def test_only_hashes_are_kept(portal, acme) -> None:
    codes = make_codes(acme.visit("member"))
    kept = repr(portal.dump())
    for code in codes:
        assert code not in kept
        assert code.replace("-", "") not in kept
    rows = portal.rows("recovery_code")
    assert len({bytes(row["salt"]) for row in rows}) == 1
    assert len({bytes(row["code_hash"]) for row in rows}) == recovery.COUNT


def test_two_people_have_two_salts(portal, acme) -> None:
    for who in ("member", "admin"):
        make_codes(acme.visit(who))
    assert len({bytes(row["salt"]) for row in portal.rows("recovery_code")}) == 2


@on_sqlite
def test_a_try_costs_one_hash(acme, monkeypatch) -> None:
    codes = make_codes(acme.visit("member"))
    seen = []
    real = recovery.hash_secret_raw
    monkeypatch.setattr(
        recovery, "hash_secret_raw", lambda *given, **more: seen.append(1) or real(*given, **more)
    )
    assert give(half_way(acme), codes[9]) == 302
    assert len(seen) == 1


def test_they_are_shown_once_and_then_counted(acme) -> None:
    visitor = acme.visit("member")
    assert "You have no recovery codes" in visitor.get("/account/security").text
    codes = make_codes(visitor)
    for path in ("/account/security", "/account/recovery-codes", "/account"):
        assert not set(codes) & set(re.findall(CODE, visitor.get(path).text))
    assert "10 are left" in visitor.get("/account/security").text
    assert "Make recovery codes" not in visitor.get("/account/security").text
    for code in codes[:7]:
        assert give(half_way(acme), code) == 302
    assert "Only 3 of your recovery codes are left" in visitor.get("/account/security").text


def test_after_a_reset_the_codes_open_nothing(portal, acme) -> None:
    codes = make_codes(acme.visit("member"))
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert portal.rows("recovery_code") == []
    visitor = half_way(acme)
    assert visitor.get("/auth/recovery-code").location.startswith("/auth/enrol")
    token = token_on(visitor, "/auth/enrol")
    sent = {"code": codes[0], "csrf_token": token}
    assert visitor.post("/auth/recovery-code", sent).location.startswith("/auth/enrol")
    assert not is_inside(visitor)


def test_they_are_made_after_a_fresh_proof_only(acme, clock) -> None:
    visitor = acme.visit("member")
    clock.advance(minutes=11)
    assert visitor.get("/account/recovery-codes").location.startswith("/auth/step-up")
    answer = visitor.post("/account/recovery-codes")
    assert answer.status_code == 403
    assert codes_on(answer.text) == []
    sent = {"proof_code": acme["member"].code}
    assert len(codes_on(visitor.post("/account/recovery-codes", sent).text)) == 10


def test_a_recovery_code_confirms_who_it_is(acme, clock) -> None:
    visitor = acme.visit("member")
    codes = make_codes(visitor)
    clock.advance(minutes=11)
    answer = visitor.submit("/auth/step-up?next=/account/security", proof_recovery_code=codes[0])
    assert answer.location == "/account/security"
    assert visitor.get("/account/recovery-codes").status_code == 200
    assert acme.log()[-1]["detail"] == {"by": "recovery-code"}
    again = visitor.submit("/auth/step-up", proof_recovery_code=codes[0])
    assert again.status_code == 401


@on_sqlite
def test_the_codes_of_an_installation_at_full_cost_are_read_as_well(portal, acme) -> None:
    settings.use(portal.settings)
    hashing = recovery.Hashing(b"s" * 16, 2, 19456)
    assert hashing.hash("a" * 12) != recovery.Hashing(b"s" * 16, 1, 19456).hash("a" * 12)


@on_sqlite
def test_whoever_has_used_a_code_is_told_how_many_are_left(acme) -> None:
    """And, where they are few, where to make new ones."""
    inside = acme.visit("member")
    codes = make_codes(inside)
    for left in range(9, -1, -1):
        visitor = half_way(acme)
        assert give(visitor, codes[left]) == 302
        page = visitor.get("/documents").text
        many = "1 is" if left == 1 else f"{left or 'None'} are"
        assert f"The recovery code is used up. {many} left." in page
        assert ("Make new ones" in page) == (left <= recovery.FEW)


@on_sqlite
def test_so_is_whoever_has_confirmed_with_one(acme, clock) -> None:
    inside = acme.visit("member")
    codes = make_codes(inside)
    answer = inside.post("/auth/step-up", {"proof_recovery_code": codes[0]})
    assert answer.status_code == 302
    assert "The recovery code is used up. 9 are left." in inside.get("/documents").text
