"""A new version of a document: what everybody reads from then on, and who may send one in."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import quote
from uuid import UUID

import pytest

from portal.keys.columns import open_sealed
from tests.installation import Organisation

TEXT = b"The second draft, which says more.\n"


def send(organisation: Organisation, who: str, body: bytes = TEXT, name: str = "plan", note="..."):
    path = f"/documents/{organisation.documents[name]}/versions"
    return organisation.visit(who).put(path, body, X_Note=quote(note))


def versions_of(organisation: Organisation, name: str = "plan") -> list[dict]:
    rows = organisation.portal.rows("document_version")
    mine = [row for row in rows if row["document_id"] == organisation.documents[name]]
    return sorted(mine, key=lambda row: row["number"])


def test_a_new_version_is_what_everybody_reads(acme) -> None:
    path = f"/documents/{acme.documents['plan']}"
    answer = send(acme, "member", note="Zahlen für März ergänzt")
    assert (answer.status_code, answer.json["number"]) == (201, 2)
    assert acme.visit("guest").get(f"{path}/download").data == TEXT
    first, second = versions_of(acme)
    assert second["id"] == UUID(answer.json["id"])
    assert first["sealed_sha256"] != second["sealed_sha256"]
    assert first["note_sealed"] is None
    with acme.bound():
        sealed = bytes(second["note_sealed"])
        note = open_sealed("document_version", "note_sealed", second["id"], sealed)
    assert note.decode() == "Zahlen für März ergänzt"
    assert "Zahlen" not in repr(acme.portal.dump())
    assert acme.told()[0] == ("version.uploaded", "success")
    [row] = [r for r in acme.portal.rows("document") if r["id"] == acme.documents["plan"]]
    assert row["version_number"] == 2
    assert row["updated_at"] > row["created_at"]


def test_two_at_once_get_two_numbers(acme) -> None:
    together = Barrier(4)

    class Late:
        def __init__(self) -> None:
            self.left = TEXT

        def read(self, size: int = -1) -> bytes:
            together.wait(timeout=30)  # nobody ends before all have begun
            piece, self.left = self.left, b""
            return piece

    path = f"/documents/{acme.documents['plan']}/versions"

    def put(_: int) -> int:
        answer = acme.visit("member").put(path, Late(), Content_Length=str(len(TEXT)))
        assert answer.status_code == 201, answer.text
        return answer.json["number"]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(put, range(4))) == [2, 3, 4, 5]
    assert [row["number"] for row in versions_of(acme)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("who", "status"), [("guest", 403), ("auditor", 403), ("admin", 403), ("officer", 403)]
)
def test_who_may_not_edit_changes_nothing_for_the_others(portal, acme, who, status) -> None:
    before = portal.rows("document_version")
    assert send(acme, who).status_code == status
    assert portal.rows("document_version") == before


def test_to_upload_is_not_to_replace(acme) -> None:
    """A role that may only add documents can't change what others rely on."""
    admin = acme.visit("admin")
    form = {"name": "Dropper", "sentence": "Drops things in", "permissions": ["document:upload"]}
    assert admin.post("/roles/new", form).status_code == 302
    [role] = [r for r in acme.portal.rows("custom_role") if r["name"] == "Dropper"]
    form = {"role": str(role["id"]), "folder": "", "reason": ""}
    assert admin.post(f"/members/{acme['officer'].id}/roles", form).status_code == 302
    officer = acme.visit("officer")
    assert officer.upload("added.txt", TEXT).status_code == 201
    assert send(acme, "officer").status_code == 403


def test_another_organisations_document_is_not_there(acme, globex) -> None:
    path = f"/documents/{acme.documents['plan']}/versions"
    assert globex.visit("member").put(path, TEXT).status_code == 404


def test_a_document_in_the_trash_takes_no_version(acme) -> None:
    acme.visit("member").post(f"/documents/{acme.documents['plan']}/delete")
    assert send(acme, "member").status_code == 404


@pytest.mark.parametrize("note", ["x" * 501, "two\nlines", "\u202etxt"])
def test_a_note_that_is_none_is_refused(acme, note) -> None:
    assert send(acme, "member", note=note).status_code == 400
    assert len(versions_of(acme)) == 1


def test_a_version_that_breaks_off_leaves_the_document_as_it_was(acme) -> None:
    path = f"/documents/{acme.documents['plan']}"

    class Cut:
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    answer = acme.visit("member").put(f"{path}/versions", Cut(), Content_Length="100")
    assert answer.status_code == 400
    assert acme.told()[0] == ("upload.abandoned", "failure")
    assert len(versions_of(acme)) == 1
    assert acme.visit("guest").get(f"{path}/download").status_code == 200
