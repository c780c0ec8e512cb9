"""What a content is taken for: what its name says, if the content bears that out."""

import pytest

from portal.documents.types import UNKNOWN, Family, type_named, type_of
from tests.conftest import on_sqlite

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ZIP = b"PK\x03\x04" + bytes(60)
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(60)


@pytest.mark.parametrize(
    ("name", "head", "media_type"),
    [
        ("a.png", PNG, "image/png"),
        ("A.PNG", PNG, "image/png"),
        ("a.b.jpeg", b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("a.avif", b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
        ("a.pdf", PDF, "application/pdf"),
        ("a.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.zip", ZIP, "application/zip"),
        ("a.mp4", MP4, "video/mp4"),
        ("a.mov", b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "video/quicktime"),
        ("a.tar", bytes(257) + b"ustar\x0000", "application/x-tar"),
        ("a.txt", b"", "text/plain"),
        ("a.txt", "Grüße\r\n\tund mehr".encode(), "text/plain"),
        ("a.csv", "Grüße;1\n".encode("cp1252"), "text/csv"),
        ("a.txt", "Grüße".encode("utf-16"), "text/plain"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    ],
)
def test_a_content_is_what_its_name_says(name, head, media_type) -> None:
    assert type_of(name, head).media_type == media_type


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.png", PDF),
        ("a.pdf", b"<!doctype html><script>"),
        ("a.pdf", b""),
        ("a.txt", PNG),
        ("a.txt", PDF),
        ("a.txt", PROGRAM),
        ("a.jpg", PROGRAM),
        ("a.docx", PROGRAM),
        ("a.exe", PROGRAM),
        ("a", b"text"),
        ("png", PNG),
        ("a.mp4", b"\0\0\0\x14ftypqt  \0\0\2\0qt  "),
        ("a.wav", b"RIFF\x10\0\0\0WEBPVP8 "),
        ("a.png ", PNG),
    ],
)
def test_what_name_and_content_disagree_upon_is_no_known_type(name, head) -> None:
    assert type_of(name, head) == UNKNOWN


def test_every_family_has_a_type() -> None:
    names = ["a.pdf", "a.docx", "a.txt", "a.png", "a.mp3", "a.mp4", "a.zip", "a.html", "a.exe"]
    assert [type_named(name).family for name in names] == list(Family)


def allow(organisation, *families: Family) -> None:
    form = {"families": [*families], "version": ""}
    assert organisation.visit("admin").post("/policy/documents/change", form).status_code == 302


@on_sqlite
def test_what_is_not_allowed_is_refused_and_recorded(portal, acme) -> None:
    allow(acme, Family.PDF, Family.IMAGES)
    member, before = acme.visit("member"), portal.rows("document")
    for name, body in (("a.txt", b"text"), ("a.pdf", b"MZ" + bytes(9)), ("a.exe", PROGRAM)):
        answer = member.upload(name, body)
        assert answer.status_code == 415, name
        assert acme.told()[-1] == ("upload.refused", "refused")
    assert portal.rows("document") == before
    assert member.upload("a.pdf", PDF).status_code == 201
    assert member.upload("a.png", PNG).status_code == 201


@on_sqlite
def test_what_browsers_say_counts_for_nothing(acme) -> None:
    member = acme.visit("member")
    path = "/documents/uploads"
    sent = member.put(path, b"<script>", X_File_Name="a.png", Content_Type="image/png")
    download = member.get(f"/documents/{sent.json['id']}/download")
    assert download.headers["Content-Type"] == "application/octet-stream"


@on_sqlite
def test_a_name_that_can_only_be_refused_is_so_before_the_content_comes(acme) -> None:
    allow(acme, Family.PDF)

    class Untouched:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    sent = {"X_File_Name": "film.mp4", "Content_Length": "1000000"}
    answer = acme.visit("member").put("/documents/uploads", Untouched(), **sent)
    assert answer.status_code == 415


@on_sqlite
def test_another_name_makes_it_nothing_that_is_not_taken(acme) -> None:
    allow(acme, Family.TEXT, Family.OFFICE)
    member = acme.visit("member")
    for name, body, taken, refused in (
        ("a.txt", b"<script>", "a.csv", ("a.html", "a.svg", "a", "a.txt.exe")),
        ("a.docx", ZIP, "b.docx", ("a.zip",)),
    ):
        path = f"/documents/{member.upload(name, body).json['id']}/rename"
        for other in refused:
            assert member.post(path, {"name": other}).status_code == 415, other
            assert acme.told()[-1] == ("document.renamed", "refused")
        assert member.post(path, {"name": taken}).status_code == 302


@on_sqlite
def test_what_was_taken_once_is_renamed_as_what_it_is(acme) -> None:
    member = acme.visit("member")
    path = f"/documents/{member.upload('a.html', b'<p>').json['id']}/rename"
    allow(acme, Family.PDF)
    assert member.post(path, {"name": "b.HTM"}).status_code == 302
    assert member.post(path, {"name": "b.js"}).status_code == 415
