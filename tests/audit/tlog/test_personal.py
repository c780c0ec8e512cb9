"""What is personal lies beside the log, and can be erased without a trace of harm to it."""

from hashlib import sha256

from sqlalchemy import select

from portal.audit.erasing import forget_person
from portal.audit.models import AuditEntry
from portal.audit.tlog.bodies import body_of, commitment_to
from portal.core.canonical import canonical
from tests.audit.reading import entry, write
from tests.browsing import ADDRESS
from tests.installation import Organisation

WORDS = "because Mr Beanstalk asked for it"


def bodies(organisation: Organisation) -> dict[object, bytes]:
    with organisation.bound() as session:
        return {kept.id: body_of(kept) for kept in session.scalars(select(AuditEntry))}


def test_no_entry_has_an_address_or_a_word_of_anybody_in_it(acme) -> None:
    given = {"role": "auditor", "folder": "", "reason": WORDS}
    acme.visit("admin").post(f"/members/{acme['guest'].id}/roles", given)
    acme.visit("officer").get("/audit")
    told = acme.log()
    assert told[0]["detail"]["reason"] == WORDS
    assert {row["address"] for row in told} == {ADDRESS}
    everything = b"\n".join(bodies(acme).values())
    for hidden in (WORDS, ADDRESS, acme["guest"].email, acme["guest"].name):
        assert hidden.encode() not in everything
    assert str(acme["guest"].id).encode() in everything


def test_what_was_committed_to_can_be_shown(acme) -> None:
    [made] = write(acme, entry(detail={"reason": WORDS, "role": "x"}, address=ADDRESS))
    with acme.bound() as session:
        kept = session.get(AuditEntry, (acme.id, made))
        opened = {"reason": WORDS, "address": ADDRESS}
        assert {**kept.aside.personal, "address": kept.aside.address} == opened
        assert kept.commitment == sha256(kept.aside.salt + canonical(opened)).digest()
        assert kept.commitment.hex().encode() in body_of(kept)
        assert commitment_to(bytes(32), opened) != kept.commitment


def test_erasing_a_person_changes_no_byte_of_the_log(acme) -> None:
    about = {"actor_id": acme["guest"].id, "address": ADDRESS}
    made = write(
        acme,
        entry(**about, detail={"comment": WORDS, "role": "x"}),
        entry(target=f"user:{acme['guest'].id}", detail={"reason": WORDS}),
        entry(actor_id=acme["member"].id, address=ADDRESS, detail={"reason": WORDS}),
    )
    before = bodies(acme)
    with acme.bound(writes=True):
        forget_person(acme["guest"].id)
    assert bodies(acme) == before
    kept = {row["id"]: row for row in acme.log()}
    assert [kept[i]["address"] for i in made] == [None, None, ADDRESS]
    assert [kept[i]["detail"] for i in made] == [{"role": "x"}, {}, {"reason": WORDS}]
    asides = {row["id"]: row for row in acme.portal.rows("audit_aside")}
    for name in ("salt", "address", "personal"):
        assert [bool(asides[i][name]) for i in made] == [False, False, True]
    page = acme.visit("officer").get(f"/audit/{made[0]}").text
    assert WORDS not in page
    assert "Not known any more" in page
