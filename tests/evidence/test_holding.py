"""A log that came out of a backup is known for one, though the databases remember nothing of it."""

from pathlib import Path

from portal.audit.tlog.known import find_known
from portal.audit.tlog.notes import parse_note
from portal.evidence import holding
from portal.evidence.checkpoints import find_newest
from portal.storage import chosen
from portal.storage.blobs import NOTE, StoreUnavailable
from tests.audit.reading import entry, write
from tests.conftest import on_sqlite
from tests.evidence.test_checkpoints import checkpoints, keep
from tests.installation import Organisation


def note_of(organisation: Organisation) -> Path:
    return organisation.portal.settings.instance / "blobs" / str(organisation.id) / NOTE


def grow(organisation: Organisation, clock, count: int = 1) -> None:
    """Entries, signed when the next checkpoint is to be held."""
    clock.advance(minutes=2)
    write(organisation, *(entry() for _ in range(count)))
    keep(organisation)


def begun(organisation: Organisation) -> list[dict[str, object]]:
    return [row for row in organisation.log() if row["action"] == "log.epoch-begun"]


def test_databases_restored_from_a_dump_begin_another_epoch(acme, globex, clock) -> None:
    grow(acme, clock, 10)
    before = parse_note(note_of(acme).read_text()).checkpoint
    acme.portal.restore_databases()
    with acme.bound():
        assert find_known(acme.id).size < before.size, "the main database was restored as well"
    mails = len(acme.mails())
    grow(acme, clock)
    assert checkpoints(acme)[-1]["origin"] == f"{before.origin}/2"
    [told] = begun(acme)
    assert told["detail"]["before"]["size"] == before.size
    assert {mail["to"] for mail in acme.mails()[mails:]} == {
        acme["officer"].email,
        acme["auditor"].email,
    }
    assert parse_note(note_of(acme).read_text()).checkpoint.origin == f"{before.origin}/2"
    grow(acme, clock)
    assert len(begun(acme)) == 1
    assert begun(globex) == []


@on_sqlite
def test_a_checkpoint_is_held_once_a_minute(acme, clock) -> None:
    grow(acme, clock)
    held = note_of(acme).read_bytes()
    write(acme, entry())
    keep(acme)
    assert note_of(acme).read_bytes() == held
    grow(acme, clock)
    with acme.bound():
        assert parse_note(note_of(acme).read_text()).checkpoint == find_newest()


@on_sqlite
def test_what_is_held_and_is_no_checkpoint_of_this_log_keeps_nothing_from_being_signed(
    acme, globex, clock
) -> None:
    grow(globex, clock)
    other = note_of(globex).read_bytes()
    own = str(acme.id).encode()
    for strange in (b"", b"\xff", other, other.replace(str(globex.id).encode(), own + b"/x")):
        note_of(acme).write_bytes(strange)
        grow(acme, clock)
        with acme.bound():
            assert parse_note(note_of(acme).read_text()).checkpoint == find_newest()
    assert begun(acme) == []


class Down:
    """A store that is not there, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def find_note(self, *_: object) -> bytes:
        self.asked += 1
        raise StoreUnavailable


@on_sqlite
def test_a_store_that_is_down_keeps_no_log_from_being_signed(acme, clock, monkeypatch) -> None:
    monkeypatch.setattr(holding, "_asked_again_at", 0.0)
    there, down = chosen.configured(), Down()
    chosen.configure({chosen.LOCAL: down})
    signed = len(checkpoints(acme))
    for _ in range(3):
        grow(acme, clock)
    assert len(checkpoints(acme)) == signed + 3
    assert down.asked == 1, "it is left alone for a while"
    chosen.configure(there)
    monkeypatch.setattr(holding, "_asked_again_at", 0.0)
    grow(acme, clock)
    with acme.bound():
        assert parse_note(note_of(acme).read_text()).checkpoint == find_newest()
