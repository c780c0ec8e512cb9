from threading import Thread

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.keys import hierarchy
from portal.keys.columns import MAX_BYTES, OVERHEAD_BYTES, SealedText, open_sealed, seal
from portal.keys.providers import KeyDamaged
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.errors import CrossTenantWrite, NoTenantBound
from portal.tenancy.models import TenantOwned
from tests.keys.conftest import ACME, GLOBEX, Rows

ROW = new_id()
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
places = st.tuples(st.sampled_from([ACME, GLOBEX]), names, names, st.uuids())
with_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Models(DeclarativeBase):
    """Apart from the portal's own, so that no table of the tests is taken for one of its."""


class Drawer(TenantOwned, Models):
    """Stands for any model with sealed columns."""

    __tablename__ = "drawer"

    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    note_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    height: Mapped[int]

    name = SealedText("name_sealed")
    note = SealedText("note_sealed")


@with_fixture
@given(place=places, text=st.text(max_size=200) | st.binary())
def test_what_was_sealed_opens_in_its_place(rows: Rows, place: tuple, text: str | bytes) -> None:
    tenant, *cell = place
    plain = text.encode() if isinstance(text, str) else text
    with acting_for(tenant):
        sealed = seal(*cell, text)
        assert open_sealed(*cell, sealed) == plain
        assert len(sealed) == len(plain) + OVERHEAD_BYTES
        assert seal(*cell, text) != sealed


@with_fixture
@given(here=places, there=places)
def test_it_opens_nowhere_else(rows: Rows, here: tuple, there: tuple) -> None:
    assume(here != there)
    with acting_for(here[0]):
        sealed = seal(*here[1:], "text")
    for moved in (there, *(here[:i] + there[i : i + 1] + here[i + 1 :] for i in range(4))):
        if moved != here:
            with acting_for(moved[0]), pytest.raises(KeyDamaged):
                open_sealed(*moved[1:], sealed)


def test_table_and_column_are_kept_apart(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        sealed = seal("ab", "c", ROW, "text")
        with pytest.raises(KeyDamaged):
            open_sealed("a", "bc", ROW, sealed)


def test_another_key_version_does_not_open_it(rows: Rows, acme: TenantRecord) -> None:
    rows.add(acme, 2)
    with acting_for(acme):
        sealed = seal("drawer", "name", ROW, "text")
        assert sealed[:5] == b"\1\0\0\0\2"
        assert open_sealed("drawer", "name", ROW, sealed) == b"text"
        for version in (0, 1, 3, 2**32 - 1):
            with pytest.raises(KeyDamaged):
                open_sealed("drawer", "name", ROW, b"\1" + version.to_bytes(4, "big") + sealed[5:])


def test_text_sealed_before_a_rotation_still_opens(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        old = seal("drawer", "name", ROW, "old")
        rows.add(acme, 2)
        hierarchy.purge()
        new = seal("drawer", "name", ROW, "new")
        assert (old[4], new[4]) == (1, 2)
        assert open_sealed("drawer", "name", ROW, old) == b"old"
        assert open_sealed("drawer", "name", ROW, new) == b"new"


def test_every_changed_byte_and_length_is_refused_alike(rows: Rows, acme: TenantRecord) -> None:
    said = set()
    with acting_for(acme):
        sealed = seal("drawer", "name", ROW, "text")
        flipped = [
            sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
            for at in range(len(sealed))
            for bit in (1, 128)
        ]
        shorter = [sealed[:end] for end in range(len(sealed))]
        for changed in (*flipped, *shorter, sealed + b"\0"):
            with pytest.raises(KeyDamaged) as caught:
                open_sealed("drawer", "name", ROW, changed)
            said.add((str(caught.value), caught.value.__cause__))
    assert len(said) == 1


def test_empty_text_is_text_and_64_kib_is_the_most(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        for text in (b"", b"x" * MAX_BYTES):
            assert open_sealed("t", "c", ROW, seal("t", "c", ROW, text)) == text
        for refused in (b"x" * (MAX_BYTES + 1), "é" * (MAX_BYTES // 2 + 1), "\ud800"):
            with pytest.raises(Invalid):
                seal("t", "c", ROW, refused)


def test_without_a_tenant_nothing_is_sealed_or_opened(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        sealed = seal("t", "c", ROW, "text")
    with pytest.raises(NoTenantBound):
        seal("t", "c", ROW, "text")
    with pytest.raises(NoTenantBound):
        open_sealed("t", "c", ROW, sealed)


def test_a_purge_forgets_the_derived_keys_as_well(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        sealed = seal("t", "c", ROW, "text")
        open_sealed("t", "c", ROW, sealed)
        rows.provider.destroy(acme.id)
        hierarchy.purge(acme.id)
        with pytest.raises(hierarchy.KeyUnavailable):
            open_sealed("t", "c", ROW, sealed)


def test_threads_may_seal_and_open_at_once(rows: Rows) -> None:
    opened: list[bytes] = []

    def work(tenant: TenantRecord) -> None:
        with acting_for(tenant):
            for i in range(300):
                row_id, text = new_id(), f"{tenant.slug} {i}".encode()
                if open_sealed("t", "c", row_id, seal("t", "c", row_id, text)) == text:
                    opened.append(text)

    threads = [Thread(target=work, args=(tenant,)) for tenant in (ACME, GLOBEX) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1200


# Models


def test_a_model_reads_and_writes_its_sealed_columns_as_text(
    rows: Rows, acme: TenantRecord
) -> None:
    with acting_for(acme):
        drawer = Drawer(name="Löhne", height=3)
        drawer.note = ""
        assert (drawer.name, drawer.note, drawer.tenant_id) == ("Löhne", "", acme.id)
        assert open_sealed("drawer", "name_sealed", drawer.id, drawer.name_sealed) == (
            "Löhne".encode()
        )
        drawer.name = "Gehälter"
        assert drawer.name == "Gehälter"
        assert Drawer.name.open(drawer.id, drawer.name_sealed) == "Gehälter"
        drawer.note_sealed = drawer.name_sealed
        with pytest.raises(KeyDamaged):
            _ = drawer.note


def test_the_order_of_a_constructors_arguments_makes_no_difference(
    rows: Rows, acme: TenantRecord
) -> None:
    with acting_for(acme):
        for drawer in (
            Drawer(name="text", id=ROW, tenant_id=acme.id),
            Drawer(tenant_id=acme.id, id=ROW, name="text"),
            Drawer(id=ROW, name="text"),
        ):
            assert (drawer.id, drawer.tenant_id, drawer.name) == (ROW, acme.id, "text")
        first, second = Drawer(name="text"), Drawer(name="text", id=None)
        assert (first.name, second.name) == ("text", "text")
        assert first.id != second.id


def test_nothing_is_sealed_into_another_tenants_object(
    rows: Rows, acme: TenantRecord, globex: TenantRecord
) -> None:
    with acting_for(acme):
        with pytest.raises(CrossTenantWrite):
            Drawer(name="text", tenant_id=globex.id)
        drawer = Drawer(name="text")
    with acting_for(globex):
        with pytest.raises(CrossTenantWrite):
            drawer.name = "other"
        with pytest.raises(KeyDamaged):
            _ = drawer.name


def test_a_model_without_sealed_text_needs_no_tenant_to_be_built(rows: Rows) -> None:
    assert Drawer(height=1).tenant_id is None
    with pytest.raises(NoTenantBound):
        Drawer(name="text")
