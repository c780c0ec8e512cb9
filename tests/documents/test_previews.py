"""Documents that are looked at: what is shown of which, by what headers, and what is refused."""

import codecs
import io
import re
import struct
from base64 import b64decode
from urllib.parse import quote

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from portal.documents.pictures import find_picture
from portal.documents.previews import TEXT_BYTES
from portal.documents.texts import find_text
from portal.web.headers import FRAMED_POLICY, FRAMING_POLICY
from tests.conftest import on_sqlite
from tests.documents.pdfs import pdf_of
from tests.documents.samples import picture_of
from tests.installation import Organisation

KINDS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF"}
SCRIPT = b"<html><script>alert(1)</script></html>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def uploaded(organisation: Organisation, name: str, body: bytes) -> str:
    made = organisation.visit("member").upload(quote(name), body, organisation.folders["shared"])
    assert made.status_code == 201, made.text
    return f"/documents/{made.json['id']}"


def picture_in(shown: TestResponse) -> tuple[str, bytes]:
    """The one picture of a frame, whose page is ours but for it."""
    assert shown.status_code == 200
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    assert shown.headers["Content-Security-Policy"] == FRAMED_POLICY
    [(kind, text)] = re.findall(r'src="data:([a-z/]+);base64,([^"]*)"', shown.text)
    return kind, b64decode(text, validate=True)


def test_a_text_is_shown_as_nothing_but_text(acme) -> None:
    path = uploaded(acme, "page.txt", SCRIPT + "ü".encode())
    guest = acme.visit("guest")
    page = guest.get(f"{path}/view")
    assert page.headers["Content-Security-Policy"] == FRAMING_POLICY
    assert f'src="{path}/preview"' in page.text
    assert "alert(1)" not in page.text
    shown = guest.get(f"{path}/preview")
    assert (shown.status_code, shown.data) == (200, SCRIPT + "ü".encode())
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert shown.headers["Content-Security-Policy"] == FRAMED_POLICY
    assert FRAMED_POLICY.startswith("sandbox; default-src 'none'; img-src data:; style-src data:;")
    assert FRAMED_POLICY.endswith("frame-ancestors 'self'")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert shown.headers["Cache-Control"] == "private, no-store"
    [_, entry] = acme.log()
    assert (entry["action"], entry["actor_id"]) == ("document.previewed", acme["guest"].id)
    assert entry["detail"] == {"version": 1, "page": 1}


@pytest.mark.parametrize("ending", KINDS)
@on_sqlite
def test_a_picture_is_shown_as_it_is(acme, ending) -> None:
    body = picture_of(KINDS[ending])
    path = uploaded(acme, f"picture<>.{ending}", body)
    shown = acme.visit("member").get(f"{path}/preview")
    assert picture_in(shown) == (f"image/{ending}".replace("jpg", "jpeg"), body)
    assert 'alt="picture' in shown.text
    assert "<iframe" in acme.visit("member").get(f"{path}/view").text


def test_a_pdf_is_shown_page_by_page_as_a_picture_or_its_text(acme) -> None:
    path = uploaded(acme, "two.pdf", pdf_of("first", "second page"))
    member = acme.visit("member")
    page = member.get(f"{path}/view?page=2")
    assert "Page 2 of 2" in page.text
    assert "page=3" not in page.text
    shown = member.get(f"{path}/preview?page=2")
    kind, picture = picture_in(shown)
    assert (kind, Image.open(io.BytesIO(picture)).size) == ("image/webp", (1272, 1800))
    assert 'alt="Page 2 of two.pdf"' in shown.text
    text = member.get(f"{path}/preview?page=2&as=text")
    assert (text.headers["Content-Type"], text.data) == (
        "text/plain; charset=utf-8",
        b"second page",
    )
    assert member.get(f"{path}/view?page=3").status_code == 404
    assert member.get(f"{path}/preview?page=3").status_code == 422
    assert [entry["detail"] for entry in acme.log()[1:]] == [{"version": 1, "page": 2}] * 2


REFUSED = {
    "page.html": SCRIPT,
    "picture.svg": SVG,
    "feed.xml": SVG,
    "script.js": b"alert(1)",
    "program.bin": bytes(range(256)),
    "letter.docx": b"PK\3\4",
    "really.png": SCRIPT,
    "really.gif": b"GIF" + SCRIPT,
    "other.png": picture_of("GIF"),
    "noise.txt": bytes(range(256)),
    "broken.pdf": b"%PDF-1.7 " + bytes(500),
    "markup.pdf": SCRIPT,
    "nothing.png": b"",
    "vast.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 10_000, 10_000),
}


@pytest.mark.parametrize("name", REFUSED)
@on_sqlite
def test_what_could_run_or_is_not_what_it_says_is_not_shown(acme, name) -> None:
    path = uploaded(acme, name, REFUSED[name])
    member = acme.visit("member")
    page, shown = member.get(f"{path}/view"), member.get(f"{path}/preview")
    assert page.status_code == 200
    assert "<iframe" not in page.text
    assert "No preview" in page.text
    assert shown.status_code == 422
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert shown.headers["Content-Security-Policy"] == FRAMED_POLICY
    assert b"alert" not in shown.data
    assert acme.told() == [("document.uploaded", "success")]


@on_sqlite
def test_of_a_long_text_the_beginning_is_shown_and_said_to_be(acme) -> None:
    """Cut in the middle of a character."""
    text = "x" + "ü" * TEXT_BYTES
    path = uploaded(acme, "long.txt", text.encode())
    member = acme.visit("member")
    assert "The first 256 KiB" in member.get(f"{path}/view").text
    assert member.get(f"{path}/preview").text == text[: TEXT_BYTES // 2]


@on_sqlite
@pytest.mark.parametrize("body", [b"", codecs.BOM_UTF8], ids=["nothing", "a mark alone"])
def test_of_an_empty_text_it_is_said_that_it_is(acme, body) -> None:
    path = uploaded(acme, "empty.txt", body)
    page = acme.visit("member").get(f"{path}/view").text
    assert "This file is empty." in page
    assert "<iframe" not in page


@on_sqlite
def test_what_somebody_has_is_not_made_again_but_told_of_again(acme) -> None:
    path = uploaded(acme, "two.pdf", pdf_of("first", "second"))
    member = acme.visit("member")
    first = member.get(f"{path}/preview")
    again = member.get(f"{path}/preview", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = member.get(f"{path}/preview?page=2", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    assert len(acme.log()) == 4


@on_sqlite
def test_an_older_version_is_shown_by_its_id_and_only_with_its_document(acme, globex) -> None:
    path = uploaded(acme, "draft.txt", b"first")
    member = acme.visit("member")
    versions = acme.portal.rows("document_version")
    [first] = [row["id"] for row in versions if str(row["document_id"]) in path]
    assert member.put(f"{path}/versions", b"second").status_code == 201
    assert member.get(f"{path}/preview").data == b"second"
    assert member.get(f"{path}/preview?version={first}").data == b"first"
    assert member.get(f"{path}/download?version={first}").data == b"first"
    assert "Version 1" in member.get(f"{path}/view?version={first}").text
    [of_another] = [r["id"] for r in versions if r["document_id"] == acme.documents["note"]]
    [foreign] = [r["id"] for r in versions if r["document_id"] == globex.documents["plan"]]
    for wrong in (of_another, foreign, "no-id"):
        for side in ("view", "preview", "download"):
            assert member.get(f"{path}/{side}?version={wrong}").status_code == 404, (wrong, side)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("plain.txt", b"some text"),
        ("picture.png", picture_of("PNG")),
        ("two.pdf", pdf_of("first", "second")),
        ("long.pdf", pdf_of("first") + bytes(3_000_000)),
    ],
    ids=["text", "picture", "PDF", "long PDF"],
)
@on_sqlite
def test_what_is_damaged_is_not_shown(acme, name, body) -> None:
    path = uploaded(acme, name, body)
    [row] = [r for r in acme.portal.rows("document_version") if str(r["document_id"]) in path]
    blob = acme.portal.blob_path(row)
    sealed = blob.read_bytes()
    blob.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    for side in ("view", "preview"):
        assert acme.visit("member").get(f"{path}/{side}").status_code == 500, side
    assert "document.previewed" not in [action for action, _ in acme.told()]


@on_sqlite
def test_what_lies_in_the_trash_or_elsewhere_is_not_shown(acme) -> None:
    guest, canary = acme.visit("guest"), acme.documents["canary"]
    for side in ("view", "preview"):
        assert guest.get(f"/documents/{canary}/{side}").status_code == 403
    member = acme.visit("member")
    member.post(f"/documents/{canary}/delete")
    for side in ("view", "preview"):
        assert member.get(f"/documents/{canary}/{side}").status_code == 404


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_size_of_a_picture_is_read_off_its_first_bytes(kind) -> None:
    body = picture_of(kind, 1234, 567)
    found = find_picture(body)
    assert found == (f"image/{kind.lower()}", 1234, 567)
    for at in range(40):
        assert find_picture(body[:at]) in (None, found)


def test_the_other_shapes_of_webp_are_read_too() -> None:
    for options in ({"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}):
        made = io.BytesIO()
        Image.new("RGBA", (1234, 567)).save(made, "WEBP", **options)
        assert find_picture(made.getvalue()) == ("image/webp", 1234, 567)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        ("Grüße\n".encode(), "Grüße\n"),
        ("\ufeffGrüße".encode(), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        ("\ufeffGrüße".encode("utf-16-be"), "Grüße"),
        ("Grüße".encode("cp1252"), "Grüße"),
        (b"\0\1\2", None),
        (b"\xff\xfe\x00", None),
        (b"\x81\x8d", None),
    ],
)
def test_a_text_is_read_in_the_encodings_that_people_use(content, text) -> None:
    assert find_text(content) == text
