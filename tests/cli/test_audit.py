"""`portal audit`: the log leaves the portal, and others verify it."""

import json
from pathlib import Path

from pymerkle import InmemoryTree, verify_inclusion

from portal.audit.actor import OPERATOR
from portal.audit.tlog.files import unbundle
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.notes import parse_key, parse_note
from portal.audit.tlog.rotations import encoded
from portal.core.ids import new_id
from portal.keys.signing import rotate_signing_key
from tests.audit.reading import entry, write
from tests.conftest import on_sqlite


def entries_in(folder: Path) -> list[bytes]:
    """What a reader makes of the files who knows nothing but their names' order."""
    bundles = sorted(p for p in (folder / "tile/entries").rglob("*") if p.is_file())
    return [one for path in bundles for one in unbundle(path.read_bytes())]


def test_an_exported_log_is_verified_by_us_and_by_another_implementation(
    of, portal, acme, tmp_path
) -> None:
    out, held = tmp_path / "log", tmp_path / "held"
    write(acme, *(entry(address="192.0.2.1", detail={"reason": "Grüße"}) for _ in range(300)))
    assert of(portal).do("audit", "export", "--tenant", "acme", "--out", str(tmp_path / "first"))
    held.write_bytes((tmp_path / "first/checkpoint").read_bytes().strip())
    said = of(portal).do("audit", "export", "--tenant", "acme", "--out", str(out))
    checkpoint = parse_note((out / "checkpoint").read_text()).checkpoint
    assert f"acme: {checkpoint.size} entries, root {checkpoint.root.hex()}" in said.out
    vkey = str(out / "vkey")
    done = of(portal).do("audit", "verify", str(out), "--vkey", vkey, "--held", str(held))
    assert done.lines[-2:] == [
        f"{checkpoint.size} entries as acme.localhost/audit/{acme.id}",
        f"{1 + len([*(out / 'old').rglob('*.note')])} checkpoints agree",
    ]
    bodies = entries_in(out)
    assert [json.loads(body)["id"] for body in bodies][-1] == str(acme.log()[-1]["id"])
    assert json.loads(bodies[-1])["action"] == "audit.exported"
    assert not any(b"192.0.2.1" in body or "Grü".encode() in body for body in bodies)
    tree = InmemoryTree.init_from_entries(bodies, algorithm="sha256")
    assert tree.get_root() == checkpoint.root
    for path in (out / "old").rglob("*.note"):
        old = parse_note(path.read_text()).checkpoint
        assert tree.get_root(old.size) == old.root
    proof = tree.prove_inclusion(7, checkpoint.size)
    verify_inclusion(leaf_hash(bodies[6]), checkpoint.root, proof)
    key = parse_key((out / "vkey").read_text().splitlines()[0])
    [own] = [row for row in portal.rows("signing_key") if row["tenant_id"] == acme.id]
    assert key.public_key == own["public_key"]


def test_who_knows_the_first_key_follows_two_rotations_and_no_forged_one(
    of, portal, acme, tmp_path
) -> None:
    def export(name: str) -> Path:
        assert of(portal).do("audit", "export", "--tenant", "acme", "--out", str(tmp_path / name))
        return tmp_path / name

    first = export("first")
    for name in ("second", "third"):
        with acme.bound(writes=True) as session:
            rotate_signing_key(OPERATOR)
            session.commit()
        newest = export(name)
    vkey = str(first / "vkey")
    done = of(portal).do("audit", "verify", str(newest), "--vkey", vkey)
    followed = [line for line in done.lines if line.startswith("by entry")]
    assert len(followed) == 2
    keys = (newest / "vkey").read_text().splitlines()
    assert [line for line in done.lines if line.startswith("  acme")] == [
        f"  {key}" for key in reversed(keys[:2])
    ]
    own = acme.portal.rows("signing_key")[0]["public_key"]
    forged = {"public_key": encoded(b"\1" * 32), "follows": encoded(own)}
    detail = forged | {"endorsement": encoded(b"\2" * 64)}
    write(acme, entry(action="signing-key.made", target=f"signing-key:{new_id()}", detail=detail))
    done = of(portal)("audit", "verify", str(export("forged")), "--vkey", vkey)
    assert done.status == 1
    _bar, named, *rest = done.lines
    assert named.startswith("not vouched for: the key of entry ")
    assert sum(line.startswith("by entry") for line in rest) == 2, "it was not followed"


@on_sqlite
def test_what_is_wrong_ends_the_command_with_a_line_for_it(of, portal, acme, tmp_path) -> None:
    out = tmp_path / "log"
    of(portal).do("audit", "export", "--tenant", "acme", "--out", str(out))
    again = of(portal)("audit", "export", "--tenant", "acme", "--out", str(out))
    assert (again.status, again.err) == (1, f"portal: {out} is not empty.\n")
    [first] = (out / "tile/entries").rglob("*.p/*")
    first.write_bytes(first.read_bytes().replace(b'"success"', b'"refused"', 1))
    done = of(portal)("audit", "verify", str(out))
    assert done.status == 1
    assert "edited: entry 0" in done.lines
    (tmp_path / "vkey").write_text("nonsense\n")
    refused = of(portal)("audit", "verify", str(out), "--vkey", str(tmp_path / "vkey"))
    assert refused.err == f"portal: {tmp_path / 'vkey'}: not a verifier key for Ed25519\n"
    (tmp_path / "vkey").write_text("\n")
    refused = of(portal)("audit", "verify", str(out), "--vkey", str(tmp_path / "vkey"))
    assert refused.err == f"portal: {tmp_path / 'vkey'}: there is no key in it\n"


@on_sqlite
def test_logs_are_checked_where_they_lie(of, portal, acme) -> None:
    assert of(portal).do("audit", "check").lines == ["acme: 0 faults", "globex: 0 faults"]
    portal.execute("DROP TRIGGER audit_entry_no_update", acme)
    portal.execute("UPDATE audit_entry SET outcome = 'x' WHERE action = 'role.assigned'", acme)
    done = of(portal)("audit", "check", "acme")
    assert done.status == 1
    assert done.lines[1].startswith("  edited: entry ")
