import pytest
from cryptography.cobblestone import Cobblestone256Decryptor

from portal.core.ids import new_id
from portal.keys.data_keys import Mode, new_data_key, open_data_key
from portal.keys.hierarchy import current_key
from portal.keys.providers import KeyDamaged
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.errors import NoTenantBound
from tests.keys.conftest import Rows

DOCUMENT, VERSION = new_id(), new_id()


def test_a_data_key_opens_where_it_was_made(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        made = new_data_key(DOCUMENT, VERSION)
        assert (len(made.dek), len(made.wrapped), made.key_version) == (32, 104, 1)
        assert open_data_key(DOCUMENT, VERSION, Mode.SERVER, made.wrapped, 1) == made.dek
        assert new_data_key(DOCUMENT, VERSION).dek != made.dek


def test_a_data_key_is_wrapped_as_the_format_says(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        made = new_data_key(DOCUMENT, VERSION)
        ids = acme.id.bytes + DOCUMENT.bytes + VERSION.bytes
        message = Cobblestone256Decryptor(current_key().secret, b"portal/dek/v1\0" + ids + b"S")
    assert message.update(made.wrapped) + message.finalize() == made.dek


def test_a_data_key_of_before_a_rotation_still_opens(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        made = new_data_key(DOCUMENT, VERSION)
        rows.add(acme, 2)
        rows.provider.health()
        assert open_data_key(DOCUMENT, VERSION, Mode.SERVER, made.wrapped, 1) == made.dek
        with pytest.raises(KeyDamaged):
            open_data_key(DOCUMENT, VERSION, Mode.SERVER, made.wrapped, 2)


def test_a_data_key_opens_nowhere_else(
    rows: Rows, acme: TenantRecord, globex: TenantRecord
) -> None:
    with acting_for(acme):
        wrapped = new_data_key(DOCUMENT, VERSION).wrapped
        for document_id, version_id, mode, key_version in (
            (new_id(), VERSION, Mode.SERVER, 1),
            (DOCUMENT, new_id(), Mode.SERVER, 1),
            (VERSION, DOCUMENT, Mode.SERVER, 1),
            (DOCUMENT, VERSION, Mode.TRANSIT, 1),
            (DOCUMENT, VERSION, Mode.CLIENT, 1),
            (DOCUMENT, VERSION, Mode.SERVER, 7),
        ):
            with pytest.raises(KeyDamaged):
                open_data_key(document_id, version_id, mode, wrapped, key_version)
    with acting_for(globex), pytest.raises(KeyDamaged):
        open_data_key(DOCUMENT, VERSION, Mode.SERVER, wrapped, 1)


def test_every_changed_byte_and_length_of_a_wrapped_key_is_refused(
    rows: Rows, acme: TenantRecord
) -> None:
    with acting_for(acme):
        wrapped = new_data_key(DOCUMENT, VERSION).wrapped
        changed = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in range(104)]
        for given in (*changed, b"", wrapped[:-1], wrapped + b"\0", wrapped * 2):
            with pytest.raises(KeyDamaged):
                open_data_key(DOCUMENT, VERSION, Mode.SERVER, given, 1)


def test_without_a_tenant_no_key_is_made_or_opened(rows: Rows) -> None:
    with pytest.raises(NoTenantBound):
        new_data_key(DOCUMENT, VERSION)
    with pytest.raises(NoTenantBound):
        open_data_key(DOCUMENT, VERSION, Mode.SERVER, bytes(104), 1)
