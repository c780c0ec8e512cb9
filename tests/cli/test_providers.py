"""Organisations whose root keys are held in different places, and come from one to another."""

import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest

from portal.audit.actor import OPERATOR
from portal.core.errors import Conflict, Misconfigured
from portal.keys import hierarchy, limits, moving
from portal.keys.local import LocalKeys
from portal.keys.providers import KeyUnavailable
from portal.keys.service import add_seed
from portal.keys.startup import check_default, check_providers
from portal.keys.vault import VaultTransit
from portal.tenancy.queries import get_tenant, list_living_tenants
from tests.cli.operators import Operator
from tests.cli.test_destroying import agree, cut, destroy, make
from tests.conftest import on_sqlite
from tests.founding import CONTENTS
from tests.installation import PASSWORD, Installation, Organisation
from tests.keys.holders import all_settings, destroy_elsewhere, variables

NOTE = CONTENTS["note"][2]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(limits, "HEALTHY_SECONDS", 0.0)


@pytest.fixture
def settings(aws, softhsm, vault) -> dict[str, object]:
    return all_settings(aws, softhsm, vault)


@pytest.fixture
def web(portal_with, settings) -> Installation:
    """A web process that knows all providers."""
    return portal_with(**settings)


@pytest.fixture
def run(portal, settings) -> Iterator[Operator]:
    """The operator, who knows them as well. Afterwards root keys are where they were."""
    file = portal.settings.instance / "keys.json"
    kept = file.read_bytes()
    yield Operator(portal.settings, **variables(settings))
    file.write_bytes(kept)
    destroy_elsewhere(portal.settings, settings, [one.id for one in portal.organisations.values()])


@pytest.fixture
def unsealed(vault) -> Iterator[Any]:
    """Vault, as it was afterwards."""
    yield vault
    vault.is_sealed = False


def at(web: Installation, organisation: Organisation, who: str = "member") -> Any:
    return web.visit(organisation.host, organisation[who].token)


def can_work(web: Installation, organisation: Organisation) -> bool:
    """The member reads an old content, and uploads and reads a new one, from unlocked keys."""
    hierarchy.purge()
    member = at(web, organisation)
    old = member.get(f"/documents/{organisation.documents['note']}/download")
    sent = member.upload("New.txt", b"new content")
    assert (old.status_code, sent.status_code) == (200, 201), (old.text, sent.text)
    new = member.get(f"/documents/{sent.json['id']}/download")
    return (old.data, new.data) == (NOTE, b"new content")


def holders(portal: Installation) -> dict[Any, set[tuple[str, str]]]:
    found: dict[Any, set[tuple[str, str]]] = {}
    for row in portal.rows("tenant_key"):
        found.setdefault(row["tenant_id"], set()).add((row["provider"], row["own_key"]))
    return found


def move(run: Operator, organisation: Organisation, to: str, *more: str) -> list[str]:
    slug = organisation.record.slug
    return run.do("key", "move-provider", slug, "--to", to, *more).lines


def test_organisations_work_side_by_side_with_keys_in_different_places(
    portal, web, acme, globex, aws, run
) -> None:
    assert move(run, acme, "vault") == [
        "acme: moved to vault: 1",
        "acme: a root key is left at local; see --destroy-old",
    ]
    own_key = aws.client("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    move(run, globex, "aws-kms", "--kms-key", own_key)
    assert can_work(web, acme)
    assert can_work(web, globex)
    run.do("key", "rotate", "acme")
    move(run, globex, "pkcs11")
    assert can_work(web, globex)
    assert can_work(web, acme)
    assert holders(portal) == {acme.id: {("vault", "")}, globex.id: {("pkcs11", "")}}
    [entry] = [entry for entry in acme.log() if entry["action"] == "keys.moved"]
    assert (entry["actor_kind"], entry["target"], entry["detail"]) == (
        "operator",
        f"tenant:{acme.id}",
        {"sources": ["local"], "to": "vault", "versions": [1]},
    )
    assert [entry["detail"]["to"] for entry in globex.log() if entry["action"] == "keys.moved"] == [
        f"aws-kms {own_key}",
        "pkcs11",
    ]


@on_sqlite
def test_an_organisation_is_made_with_its_keys_where_the_operator_says(portal, web, run) -> None:
    made = run.do(
        *("tenant", "create", "initech", "Initech", "--keys", "pkcs11"),
        *("--admin", "peter@initech.example", "Peter G"),
    )
    run.do("db", "check")
    told, *needed = run.do("key", "status", "initech").lines
    assert " ".join(told.split()) == "initech version 1 pkcs11 0 days can be unlocked"
    assert needed == ["  version 1 is needed by 1 in job.payload"]
    visitor = web.visit("initech.localhost")
    path = made.link.removeprefix("http://initech.localhost:8000")
    assert visitor.submit(path, password=PASSWORD, again=PASSWORD).location == "/auth/code"
    [tenant] = [row["id"] for row in portal.rows("tenant") if row["slug"] == "initech"]
    assert str(tenant) not in (portal.settings.instance / "keys.json").read_text()


@on_sqlite
def test_the_installations_default_may_be_another(portal, run, vault) -> None:
    run.do("tenant", "create", "initech", "Initech", PORTAL_KEYS="vault")
    [tenant] = [row["id"] for row in portal.rows("tenant") if row["slug"] == "initech"]
    assert f"tenant-portal-{tenant}" in vault.keys


@on_sqlite
def test_an_organisation_may_bring_its_own_key_from_the_first_day(portal, aws, run) -> None:
    arn = aws.client("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    run.do("tenant", "create", "initech", "Initech", "--keys", "aws-kms", "--kms-key", arn)
    assert f"aws-kms {arn}" in run.do("key", "status", "initech").out
    assert run.refused("tenant", "create", "hooli", "Hooli", "--kms-key", arn) == (
        "An organisation's own key is possible at aws-kms only."
    )


def test_the_old_root_key_is_destroyed_only_when_asked_and_agreed(
    portal, web, acme, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    [before] = [row for row in portal.rows("tenant_key") if row["tenant_id"] == acme.id]
    local = LocalKeys(portal.settings.instance / "keys.json")
    move(run, acme, "pkcs11")
    assert len(local.unwrap(acme.id, 1, bytes(before["wrapped_seed"]))) == 32
    refused = run(
        *("key", "move-provider", "acme", "--to", "pkcs11", "--destroy-old", "--confirm", "globex")
    )
    assert refused.status == 1
    assert len(local.unwrap(acme.id, 1, bytes(before["wrapped_seed"]))) == 32
    assert move(run, acme, "pkcs11", "--destroy-old", "--confirm", "acme") == [
        "acme: moved to pkcs11: none, all are there",
        "acme: the root key at local is destroyed",
    ]
    with pytest.raises(KeyUnavailable):
        local.unwrap(acme.id, 1, bytes(before["wrapped_seed"]))
    assert can_work(web, acme)
    assert move(run, acme, "pkcs11", "--destroy-old", "--confirm", "acme") == [
        "acme: moved to pkcs11: none, all are there"
    ]
    assert [e["detail"] for e in acme.log() if e["action"] == "root-key.destroyed"] == [
        {"provider": "local"}
    ]


@on_sqlite
def test_the_end_of_an_organisation_destroys_what_moves_left_and_not_its_own_key(
    operator, settings, aws, clock
) -> None:
    operator = Operator(operator.settings, **variables(settings))
    make(operator, "initech", "database")
    client = aws.client("kms")
    own_key = client.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    to_own_key = ("--to", "aws-kms", "--kms-key", own_key)
    operator.do("key", "move-provider", "initech", *to_own_key)
    agree(operator, "initech", clock)
    said = operator.do("key", "destroy", "initech", "--confirm", "initech").out
    assert f"{own_key} is the organisation's own key" in said
    assert client.describe_key(KeyId=own_key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert json.loads((operator.instance / "keys.json").read_text())["tenants"] == {}


@on_sqlite
def test_keys_that_are_being_destroyed_go_nowhere_else(
    operator, settings, vault, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Operator(operator.settings, **variables(settings))
    make(run, "initech", "database")
    agree(run, "initech", clock)
    with monkeypatch.context() as power:
        cut(power, "portal.keys.local.LocalKeys", "destroy", 1)
        assert destroy(run, "initech").status == 1
    before = dict(vault.keys)
    for command in (
        ("move-provider", "initech", "--to", "vault"),
        ("rotate", "initech"),
        ("rewrap", "initech"),
    ):
        said = run.refused("key", *command)
        assert said == "initech is closing, and its keys are not changed any more."
    assert vault.keys == before
    assert destroy(run, "initech").status == 0
    assert json.loads((operator.instance / "keys.json").read_text())["tenants"] == {}


@on_sqlite
def test_a_root_key_whose_provider_was_away_at_first_is_destroyed_by_the_next_run(
    operator, settings, unsealed, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Operator(operator.settings, **variables(settings))
    make(run, "initech", "database")
    for place in ("vault", "local"):
        run.do("key", "move-provider", "initech", "--to", place)
    [root_key] = [name for name in unsealed.keys if name.endswith(str(tenant_of(run)))]
    agree(run, "initech", clock)
    unsealed.is_sealed = True
    with monkeypatch.context() as power:
        cut(power, "portal.keys.local.LocalKeys", "destroy", 1)
        assert "vault gives no answer" in destroy(run, "initech").err
    unsealed.is_sealed = False
    assert (done := destroy(run, "initech")).status == 0
    assert "no answer" not in done.err
    assert root_key not in unsealed.keys


def tenant_of(run: Operator) -> Any:
    with run.inside() as app, app.app_context():
        return get_tenant("initech").id


class PowerCut(OSError):
    pass


@pytest.mark.parametrize(
    "place",
    [
        "portal.keys.vault.VaultTransit.create",
        "portal.keys.vault.VaultTransit.unwrap",
        "portal.keys.moving.change",
        "portal.keys.moving.list_left",
        "portal.keys.local.LocalKeys.destroy",
    ],
)
@on_sqlite
def test_a_move_that_was_cut_off_lost_nothing_and_goes_on(
    portal, web, acme, run, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_args: Any, **_more: Any) -> None:
        raise PowerCut("the power failed")

    words = ("--to", "vault", "--destroy-old", "--confirm", "acme")
    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        assert run("key", "move-provider", "acme", *words).status == 1
    assert can_work(web, acme)
    move(run, acme, *words[1:])
    assert can_work(web, acme)
    assert holders(portal)[acme.id] == {("vault", "")}
    assert str(acme.id) not in json.loads((portal.settings.instance / "keys.json").read_text())


def test_a_root_key_that_is_gone_is_in_the_log_wherever_the_run_was_cut_off(
    portal, web, acme, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider has destroyed it, and the power fails before anything else is done."""
    real = LocalKeys.destroy

    def destroy_and_fail(self: LocalKeys, tenant_id: Any) -> None:
        real(self, tenant_id)
        raise PowerCut("the power failed")

    move(run, acme, "vault")
    words = ("--destroy-old", "--confirm", "acme")
    with monkeypatch.context() as patch:
        patch.setattr(LocalKeys, "destroy", destroy_and_fail)
        assert run("key", "move-provider", "acme", "--to", "vault", *words).status == 1
    assert str(acme.id) not in json.loads((portal.settings.instance / "keys.json").read_text())
    assert [e["detail"] for e in acme.log() if e["action"] == "root-key.destroyed"] == [
        {"provider": "local"}
    ]
    said = move(run, acme, "vault", *words)
    assert said[0] == "acme: moved to vault: none, all are there"
    assert "acme: the root key at local is destroyed" not in said


def test_a_key_that_rotates_meanwhile_is_left_to_the_next_run(
    portal, web, acme, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 2 comes while the provider is asked for version 1."""
    real = VaultTransit.create

    def create(self: VaultTransit, tenant_id: Any) -> None:
        real(self, tenant_id)
        monkeypatch.undo()
        portal.execute(rotated(portal, acme), acme)

    monkeypatch.setattr(VaultTransit, "create", create)
    assert "rotated meanwhile" in run.refused("key", "move-provider", "acme", "--to", "vault")
    assert holders(portal)[acme.id] == {("local", "")}
    assert can_work(web, acme)


def test_a_root_key_that_is_destroyed_while_keys_come_back_to_it_is_not_trusted(
    portal, web, acme, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other operator's command runs from beginning to end once all has been tried there."""
    move(run, acme, "vault")
    real = LocalKeys.unwrap

    def unwrap(self: LocalKeys, tenant_id: Any, version: int, wrapped: bytes) -> bytes:
        plain = real(self, tenant_id, version, wrapped)
        monkeypatch.setattr(LocalKeys, "unwrap", real)
        self.destroy(tenant_id)
        return plain

    monkeypatch.setattr(LocalKeys, "unwrap", unwrap)
    run.refused("key", "move-provider", "acme", "--to", "local")
    assert holders(portal)[acme.id] == {("vault", "")}
    assert can_work(web, acme)
    move(run, acme, "local")
    assert can_work(web, acme)


def rotated(portal: Installation, organisation: Organisation) -> str:
    """What adds a second version, wrapped by the local file."""
    wrapped = LocalKeys(portal.settings.instance / "keys.json").wrap(organisation.id, 2, bytes(32))
    binary = f"'\\x{wrapped.hex()}'" if portal.name == "postgresql" else f"x'{wrapped.hex()}'"
    [row] = [row for row in portal.rows("tenant_key") if row["tenant_id"] == organisation.id]
    columns = [name for name in row if name not in ("id", "version", "wrapped_seed")]
    same = ", ".join(columns)
    fresh = "gen_random_uuid()" if portal.name == "postgresql" else "lower(hex(randomblob(16)))"
    where = "" if portal.name == "sqlite" else f" WHERE tenant_id = '{organisation.id}'"
    return (
        f"INSERT INTO tenant_key (id, version, wrapped_seed, {same}) "
        f"SELECT {fresh}, 2, {binary}, {same} FROM tenant_key{where}"
    )


def test_a_seed_is_not_wrapped_where_the_organisation_has_just_left(web, acme, run) -> None:
    local = hierarchy.providers().default
    move(run, acme, "vault")
    with acme.bound(writes=True), pytest.raises(Conflict):
        add_seed(local, 2)
    with acme.bound(writes=True):
        add_seed(hierarchy.providers().get("vault"), 2)


@on_sqlite
def test_a_root_key_that_a_seed_needs_is_never_destroyed(web, acme) -> None:
    with web.app.app_context(), acme.bound(writes=True), pytest.raises(Conflict):
        moving.destroy_left(hierarchy.providers().default)
    assert can_work(web, acme)


def test_people_work_on_while_keys_come_and_go(web, acme) -> None:
    stop, failed = Event(), []

    def work() -> None:
        while not stop.is_set():
            try:
                if not can_work(web, acme):
                    failed.append("other content")
            except AssertionError as error:
                failed.append(str(error)[:300])

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for name in ("vault", "local", "pkcs11", "local"):
        with acme.bound(writes=True):
            assert moving.move_seeds(OPERATOR, hierarchy.providers().get(name))
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []


@on_sqlite
def test_a_provider_that_is_away_keeps_out_its_own_and_only_when_keys_are_not_unlocked(
    web, acme, globex, run, unsealed
) -> None:
    move(run, acme, "vault")
    assert can_work(web, acme)
    unsealed.is_sealed = True
    note = f"/documents/{acme.documents['note']}/download"
    assert at(web, acme).get(note).data == NOTE, "its key was unlocked before"
    hierarchy.purge()
    assert at(web, acme).get(note).status_code == 503
    assert at(web, acme).upload("New.txt", b"new").status_code == 503
    assert can_work(web, globex)
    ready = web.visit("anything").get("/readyz")
    assert (ready.status_code, ready.json["keys"]) == (200, {"local": "ready", "vault": "away"})
    told = run("key", "status").lines
    assert [line.split()[0] for line in told] == ["acme", "globex"]
    assert "not available: VaultDown" in told[0]
    unsealed.is_sealed = False
    assert can_work(web, acme)


@on_sqlite
def test_where_the_default_is_away_no_process_is_ready(portal_with, settings, unsealed) -> None:
    web = portal_with(**settings, keys="vault")
    assert web.visit("anything").get("/readyz").status_code == 200
    unsealed.is_sealed = True
    ready = web.visit("anything").get("/readyz")
    assert (ready.status_code, ready.json) == (503, {"status": "away", "keys": {"vault": "away"}})
    with web.app.app_context():
        assert list(check_providers(list_living_tenants())) == ["vault"]
        with pytest.raises(Misconfigured, match="vault can't be used: VaultDown"):
            check_default(list_living_tenants())


@on_sqlite
def test_a_provider_that_a_tenant_needs_and_nobody_set_up_is_named_at_the_start(
    portal, acme, run
) -> None:
    move(run, acme, "vault")
    portal.activate()
    with portal.app.app_context(), pytest.raises(Misconfigured) as caught:
        check_providers(list_living_tenants())
    assert str(caught.value) == (
        "acme's keys are at vault. The key provider needs a setting: PORTAL_VAULT_URL."
    )
    hierarchy.purge()
    answer = acme.visit("member").get(f"/documents/{acme.documents['note']}/download")
    assert answer.status_code == 503
