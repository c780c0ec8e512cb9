"""Names of documents and folders: any script, nothing that deceives or breaks out."""

import re
import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.documents.names import MAX_LENGTH, clean_name
from tests.conftest import on_sqlite

ODD = ["../../etc/passwd", "..", "C:\\a", "a/../b", "/etc/passwd", "%2e%2e%2fx", "a\0b", "nul", "~"]


@pytest.mark.parametrize(
    "name",
    [
        "Vertrag (endgültig).pdf",
        "契約書.docx",
        "договор №5.pdf",
        "اتفاقية.pdf",
        "\u062e\u0627\u0646\u0647\u200c\u0647\u0627.txt",  # Persian: the joiner that shows nothing
        "👩\u200d🚀 launch.png",
        "naïve – “quoted” & 100 %.txt",
        "a'b;c$d`e|f<g>h*.txt",
        ".gitignore",
        "CON",
        "x" * MAX_LENGTH,
        "-rf",
    ],
)
def test_names_of_every_script_are_kept_as_they_are(name) -> None:
    assert clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a\nb", "a\r\nSet-Cookie: x", "a\tb",
        "exe.\u202etxt", "a\u2066b", "\ufeffa", "a\u2028b", "a\u200bb", "a\x7fb", "a\x85b",
        "x" * (MAX_LENGTH + 1), "\ud800",
    ],
)  # fmt: skip
def test_names_that_deceive_or_break_out_are_refused(name) -> None:
    with pytest.raises(Invalid):
        clean_name(name)


@given(st.text(max_size=220))
def test_what_is_kept_is_clean_and_stays_so(name) -> None:
    try:
        kept = clean_name(name)
    except Invalid:
        return
    assert clean_name(kept) == kept
    assert 1 <= len(kept) <= MAX_LENGTH
    assert kept == kept.strip()
    assert (
        kept.isprintable()
        or any(c in "\u200c\u200d" or c.isspace() for c in kept)
        or any(unicodedata.category(c) in ("Cn", "Co") for c in kept)
    )
    assert len(kept.splitlines()) == 1
    assert not set(kept) & set("/\\\0\r\n")
    kept.encode()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=50))
def test_letters_digits_and_signs_are_never_refused(name) -> None:
    if not set(name) & set("/\\") and unicodedata.normalize("NFC", name) not in (".", ".."):
        assert clean_name(name)


@on_sqlite
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.sampled_from(ODD))
def test_a_name_comes_back_as_it_is_and_never_becomes_a_path(portal, acme, name) -> None:
    root, member = portal.settings.instance, acme.visit("member")
    before = {path for path in root.rglob("*") if path.is_file()}
    answer = member.upload(quote(name, errors="replace"), b"text")
    new = {path for path in root.rglob("*") if path.is_file()} - before
    try:
        kept = clean_name(name)
    except Invalid:
        assert (answer.status_code, new) == (400, set())
        return
    assert answer.status_code == 201
    given = member.get(f"{answer.json['address']}/download").headers["Content-Disposition"]
    assert unquote(given.partition("UTF-8''")[2]) == kept
    blobs = {path for path in new if "-wal" not in path.name and "-shm" not in path.name}
    assert all(re.fullmatch(r"[0-9a-f-]{36}", path.name) for path in blobs)
    assert len(blobs) == 1
