"""A list is come back to in the order in which it was left."""

import io
import re

from tests.browsing import Form, Visitor, forms_of, links_of
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.installation import Organisation

ORDER = "sort=-size"
LIST = re.compile(r"/documents(/folders/[0-9a-f-]{36})?(?=\?|#|$)")
ID = re.compile(r"[0-9a-f-]{36}")
NO_PAGES = ("/download", "/preview", "/archive")


def pages_from(visitor: Visitor, start: str) -> dict[str, str]:
    """The pages that one comes to with the order from a list, by their address; one of a kind."""
    found: dict[str, str] = {}
    ahead, kinds = [start], {ID.sub("", start)}
    while ahead:
        path = ahead.pop()
        answer = visitor.get(path)
        if answer.status_code != 200:
            continue
        found[path] = answer.text
        for link in links_of(answer.text):
            kind = ID.sub("", link.partition("#")[0])
            if ORDER in link and kind not in kinds and not any(part in link for part in NO_PAGES):
                kinds.add(kind)
                ahead.append(link)
    return found


@on_sqlite
def test_every_way_back_to_a_list_keeps_its_order(acme: Organisation) -> None:
    member = acme.visit("member")
    make_folder(acme, "Inner", "shared")
    pages = pages_from(member, f"/documents/folders/{acme.folders['shared']}?{ORDER}")
    seen = {path.partition("?")[0].rpartition("/")[2] for path in pages}
    assert seen >= {"rename", "move", "delete", "view", "copy", "note", "new", "request"}
    for path, page in pages.items():
        lost = [link for link in links_of(page) if LIST.match(link) and "sort=" not in link]
        assert not lost, path
        own = [form for form in forms_of(page) if form.method == "get" and not _is_elsewhere(form)]
        assert all("sort" in form.fields for form in own), path


@on_sqlite
def test_whatever_is_done_to_things_of_a_list_leads_back_to_its_order(acme: Organisation) -> None:
    member = acme.visit("member")
    inner = make_folder(acme, "Inner", "closed")
    made = [member.upload(f"{n}.txt", b"x", inner).json["id"] for n in range(4)]
    for path, filled in {
        f"/documents/{made[0]}/rename": {"name": "a.txt"},
        f"/documents/{made[0]}/move": {"folder": ""},
        f"/documents/{made[1]}/delete": {},
        f"/folders/{inner}/rename": {"name": "Other"},
        f"/folders/{inner}/move": {"folder": ""},
    }.items():
        assert ORDER in member.submit(f"{path}?{ORDER}", **filled).location, path
    [undo] = [f for f in forms_of(member.get(f"/documents?{ORDER}").text) if "undo" in f.action]
    assert ORDER in member.post(undo.action, {"move": _last_move(acme)}).location
    page = member.get(f"/documents/folders/{inner}?{ORDER}").text
    for act in ("move", "copy"):
        chosen = {"things": [f"document:{made[2]}"], "folder": ""}
        address = re.search(rf'"(/documents/many/{act}[^"]*)"', page)[1]
        assert ORDER in member.post(address, chosen).location
    meant = {"things": [f"document:{made[3]}"], "is_meant": "1"}
    address = re.search(r'"(/documents/many/delete[^"]*)"', page)[1]
    assert ORDER in member.post(address, meant).location
    for form in forms_of(page):
        if form.action.startswith("/folders"):
            assert ORDER in member.post(form.action, {**form.fields, "name": "New"}).location
        elif form.action.startswith("/documents/uploads/form"):
            sent = {**form.fields, "files": (io.BytesIO(b"x"), "5.txt")}
            assert f"{inner}?{ORDER}" in member.post(form.action, sent).text


def _is_elsewhere(form: Form) -> bool:
    return form.action.startswith(("/audit", "/retention"))


def _last_move(acme: Organisation) -> str:
    return str(acme.log()[-1]["request_id"])
