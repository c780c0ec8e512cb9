"""View only: pictures with who is shown them burnt in, and never the file."""

import io
import re

import pytest
from PIL import Image, ImageChops, ImageFont

from portal.documents.rendering import jobs
from portal.documents.rendering.jobs import JobFailed
from tests.conftest import on_sqlite
from tests.documents.links.sharing import link_of, make, opened, refused, row_of, uses_of
from tests.documents.pdfs import pdf_of
from tests.documents.samples import picture_of
from tests.installation import Organisation

ONE = "one@partner.example"
PDF = pdf_of("The first page", "The second page")


def uploaded(acme: Organisation, name: str = "Plan.pdf", body: bytes = PDF) -> str:
    return acme.visit("member").upload(name, body, acme.folders["shared"]).json["id"]


def marked(words: str, content: bytes, kind: str = "picture", page: int = 1) -> Image.Image:
    text = words.encode()
    head = len(text).to_bytes(4, "big") + text
    made = jobs.run("watermark", kind, str(page), content=[head, content])
    return Image.open(io.BytesIO(made)).convert("RGB")


def differ(one: Image.Image, other: Image.Image) -> int:
    """How many pixels are clearly different."""
    parts = ImageChops.difference(one, other).convert("L").point(lambda v: 255 * (v > 24))
    return parts.histogram()[255]


@on_sqlite
def test_pages_are_shown_as_pictures_and_the_file_is_not_given(acme) -> None:
    document = uploaded(acme)
    stranger, path = opened(acme, make(acme, f"/links/documents/{document}/new", kind="view"))
    page = stranger.get(path).text
    assert "Page 1 of 2" in page
    assert "sees each time that you open a page" in page
    assert "download" not in re.findall(r'href="([^"]*)"', page)
    there = f"{path}/documents/{document}"
    picture = stranger.get(f"{there}/picture?page=2")
    assert picture.mimetype == "image/webp"
    assert Image.open(io.BytesIO(picture.data)).size == (1272, 1800)
    assert b"%PDF" not in picture.data
    assert stranger.get(f"{there}/download").status_code == 403
    assert uses_of(acme) == [("opened", ""), ("viewed", ""), ("refused", "view-only")]
    viewed = acme.log()[-2]
    assert (viewed["action"], viewed["detail"]) == ("document.previewed", {"version": 1, "page": 2})
    assert viewed["actor_id"] == link_of(acme)


@on_sqlite
def test_a_page_that_is_not_there_is_not_shown(acme) -> None:
    document = uploaded(acme)
    stranger, path = opened(acme, make(acme, f"/links/documents/{document}/new", kind="view"))
    for page in ("3", "99999999", "-1", "x"):
        answer = stranger.get(f"{path}/documents/{document}/picture?page={page}")
        assert answer.status_code == (422 if page[0] in "39" else 200), page


@on_sqlite
def test_no_number_that_a_stranger_makes_up_gets_into_the_log(acme) -> None:
    """Beyond 2^53 programs read numbers differently, and hash another text (RFC 8785, 3.2.2.3)."""
    document = uploaded(acme, "Map.png", picture_of("PNG"))
    stranger, path = opened(acme, make(acme, f"/links/documents/{document}/new", kind="view"))
    stranger.get(f"{path}/documents/{document}/picture?page={2**53 + 1}")
    assert acme.log()[-1]["detail"]["page"] < 2**53


@on_sqlite
def test_openings_are_what_is_counted_and_whoever_is_inside_stays(acme) -> None:
    document = uploaded(acme, "Map.png", picture_of("PNG"))
    secret = make(acme, f"/links/documents/{document}/new", kind="view", max_uses=1)
    stranger, path = opened(acme, secret)
    assert stranger.get(f"{path}/documents/{document}/picture").status_code == 200
    assert acme.visit().post("/shared", {"address": secret}).status_code == 410
    assert stranger.get(path).status_code == 200
    assert row_of(acme)["uses"] == 1


@on_sqlite
def test_who_it_was_shown_to_and_when_stands_in_the_picture(acme) -> None:
    document = uploaded(acme, "Map.png", picture_of("PNG", 800, 600))
    listed = {"audience": "listed", "recipients": ONE, "kind": "view"}
    stranger, path = opened(acme, make(acme, f"/links/documents/{document}/new", **listed))
    stranger.post(f"{path}/codes", {"email": ONE})
    acme.work()
    code = re.search(r"\b(\d{4} \d{4})\b", acme.mails()[-1]["txt"])[1]
    stranger.post(f"{path}/code", {"email": ONE, "code": code})
    seen: list[bytes] = []
    run = jobs.run

    def noted(job, *arguments, content):
        given = b"".join(content)
        seen.append(given[4 : 4 + int.from_bytes(given[:4], "big")])
        return run(job, *arguments, content=[given])

    jobs.run = noted
    try:
        assert stranger.get(f"{path}/documents/{document}/picture").status_code == 200
    finally:
        jobs.run = run
    assert re.fullmatch(rf"{ONE}  \d{{4}}-\d\d-\d\d \d\d:\d\d UTC", seen[0].decode())


def test_the_words_are_all_over_the_picture_on_any_ground() -> None:
    for ground in ("white", "black", "teal"):
        made = io.BytesIO()
        Image.new("RGB", (900, 700), ground).save(made, "PNG")
        bare = Image.new("RGB", (900, 700), ground)
        shown = marked("somebody@partner.example  2026-11-26 05:12 UTC", made.getvalue())
        for left in range(0, 900, 300):
            for top in range(0, 700, 350):
                part = (left, top, left + 300, top + 350)
                assert differ(bare.crop(part), shown.crop(part)) > 100, (ground, part)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_pictures_of_every_kind_are_drawn(kind) -> None:
    assert marked("x", picture_of(kind, 400, 300)).size == (400, 300)


def test_on_a_tiny_picture_the_words_are_whole() -> None:
    """It is shown on more ground, as large as it is."""
    words = "somebody@partner.example  2026-11-26 05:12 UTC"
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "PNG")
    shown = marked(words, made.getvalue())
    large = io.BytesIO()
    Image.new("RGB", shown.size, "white").save(large, "PNG")
    assert shown.width > ImageFont.load_default(12).getlength(words)
    assert differ(marked(words, large.getvalue()), shown) <= 64


def test_a_picture_that_lies_on_its_side_is_turned() -> None:
    made, lying = io.BytesIO(), Image.new("RGB", (600, 300), "teal")
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(made, "JPEG", exif=exif)
    assert marked("x", made.getvalue()).size == (300, 600)


def bomb() -> bytes:
    made = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\nxxxx", bomb()])
def test_what_is_no_picture_or_too_large_is_not_drawn(content) -> None:
    with pytest.raises(JobFailed):
        marked("x", content)


@on_sqlite
def test_what_can_not_be_shown_can_not_be_shared_to_be_viewed(acme) -> None:
    assert "PDFs and images" in refused(acme, kind="view")  # it is a text
