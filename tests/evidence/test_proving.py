"""The proof of an entry leaves the portal, and is known again when somebody brings it."""

import json
from dataclasses import replace
from functools import partial, reduce

import pytest

from portal.audit.actor import OPERATOR
from portal.audit.tlog.hashes import leaf_hash, node_hash
from portal.audit.tlog.notes import Malformed, sign_checkpoint
from portal.audit.tlog.proofs import Proof, parse_proof
from portal.cli.keeping_log import keep_logs
from portal.keys.models import SigningKey
from portal.keys.signing import get_live_key, rotate_signing_key, sign_by
from tests.audit.reading import entry, write
from tests.conftest import on_sqlite
from tests.evidence.test_checkpoints import cut
from tests.installation import Organisation
from tests.keys.planting import plant_key


def sign(organisation: Organisation) -> None:
    with organisation.portal.app.app_context():
        for _ in range(2):
            keep_logs()


def proof_of(organisation: Organisation, entry_id: object) -> str:
    answer = organisation.visit("officer").get(f"/audit/{entry_id}/proof")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith('.tlog-proof"')
    return answer.text


def bring(organisation: Organisation, text: str) -> tuple[int, str]:
    answer = organisation.visit("officer").post("/audit/proof", {"text": text})
    return answer.status_code, answer.text


def test_an_entry_is_proved_and_the_proof_is_known_again(acme) -> None:
    [made] = write(acme, entry(detail={"reason": "nobody else's business"}, address="192.0.2.1"))
    officer = acme.visit("officer")
    assert officer.get(f"/audit/{made}/proof").status_code == 409, "it is not signed yet"
    assert f"/audit/{made}/proof" not in officer.get(f"/audit/{made}").text
    sign(acme)
    assert f"/audit/{made}/proof" in officer.get(f"/audit/{made}").text
    text = proof_of(acme, made)
    proof = parse_proof(text)
    assert proof.holds
    assert text == str(proof)
    assert json.loads(proof.entry)["id"] == str(made)
    assert b"business" not in proof.entry
    assert acme.log()[-1]["detail"] == {"form": "proof"}
    status, page = bring(acme, text.replace("\n", "\r\n"))
    assert status == 200
    assert "It is genuine." in page
    assert "A document was downloaded" in page


@on_sqlite
def test_a_proof_that_proves_nothing_is_refused(acme, globex) -> None:
    [made], [theirs] = write(acme, entry()), write(globex, entry())
    sign(acme)
    text = proof_of(acme, made)
    proof = parse_proof(text)
    other = "https://www.example.com/ is no proof"
    for brought, why in (
        (text.replace("index ", "index 1"), "This proves nothing"),
        (text.replace("extra eyJ", "extra eyK"), "not the proof of an entry"),
        (text.replace(text.split("\n")[3], text.split("\n")[4]), "This proves nothing"),
        (text.replace(f"\n{proof.signed.checkpoint.size}\n", "\n7\n"), "not signed by a key"),
        (proof_of(globex, theirs), "not signed by a key"),
        (other, "not the proof of an entry"),
        (str(replace(proof, entry=b"[" * 20_000)), "not the proof of an entry"),
    ):
        assert brought != text
        status, page = bring(acme, brought)
        assert status == 400, why
        assert why in page
        assert "It is genuine" not in page


@on_sqlite
def test_a_genuine_proof_shows_that_the_log_was_altered_since(acme) -> None:
    write(acme, *(entry() for _ in range(40)))
    [made] = write(acme, entry())
    sign(acme)
    text = proof_of(acme, made)
    cut(acme, 30)
    status, page = bring(acme, text)
    assert status == 200
    assert "the log is not what it was" in page


@on_sqlite
def test_what_a_replaced_key_signs_proves_nothing_more(acme) -> None:
    """Whoever has stolen it makes a log that never was; what it signed in its time stays good."""
    [made] = write(acme, entry())
    sign(acme)
    before = proof_of(acme, made)
    with acme.bound(writes=True):
        stolen = get_live_key()
        rotate_signing_key(OPERATOR)
    sign(acme)
    after = proof_of(acme, made)
    for text in (before, after):
        status, page = bring(acme, text)
        assert (status, "It is genuine." in page) == (200, True)
    forged, beside = b'{"id":"%s"}' % str(made).encode(), [bytes(32)] * 10
    root = reduce(lambda right, left: node_hash(left, right), beside, leaf_hash(forged))
    longer = replace(parse_proof(after).signed.checkpoint, size=1024, root=root)
    with acme.bound():
        signed = sign_checkpoint(longer, stolen.public_key, partial(sign_by, stolen))
    status, page = bring(acme, str(Proof(forged, 1023, beside, signed)))
    assert (status, "a key that another had replaced" in page) == (400, True)


@on_sqlite
def test_what_a_key_signs_that_somebody_put_there_proves_nothing(acme) -> None:
    """Whoever can write every row, and has none of the organisation's keys."""
    [made] = write(acme, entry())
    sign(acme)
    before = parse_proof(proof_of(acme, made)).signed.checkpoint
    planted = plant_key(acme, SigningKey.secret_sealed)
    forged = b'{"id":"%s"}' % str(made).encode()
    other = replace(before, size=1, root=leaf_hash(forged))
    for checkpoint in (other, replace(other, size=1024)):
        signed = sign_checkpoint(checkpoint, planted.public_key, planted.sign)
        status, page = bring(acme, str(Proof(forged, 0, [], signed)))
        assert (status, "not signed by a key of this organisation" in page) == (400, True)


@on_sqlite
def test_the_page_shows_what_to_keep_elsewhere(acme) -> None:
    sign(acme)
    page = acme.visit("auditor").get("/audit/proof").text
    own = [r for r in acme.portal.rows("audit_checkpoint") if r["tenant_id"] == acme.id]
    assert max(own, key=lambda row: row["id"])["root"].hex() in page
    assert f"acme.localhost/audit/{acme.id}+" in page


@pytest.mark.parametrize(
    "text",
    ["", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nextra QQ==\nindex x\n\nn",
     "c2sp.org/tlog-proof@v1\nextra QQ==\nindex 1\nQQ==\n\nn", "c2sp.org/tlog-proof@v2\n"],
)  # fmt: skip
def test_what_is_no_proof_is_refused(text) -> None:
    with pytest.raises(Malformed):
        parse_proof(text)
