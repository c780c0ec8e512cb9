"""The holders of root keys that the tests have, each as the settings make it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from portal.core.settings import Settings
from portal.keys.chosen import providers_of
from portal.keys.providers import KeyProvider
from tests.conftest import settings_for
from tests.harness.aws import REGION, Aws
from tests.harness.softhsm import SoftHsm
from tests.harness.vault import Vault

PATIENT = {"keys_timeout_seconds": 20}  # on a machine that is busy


@dataclass(frozen=True)
class Holder:
    """One of the four, with what the tests need to know of it."""

    settings: Settings
    away: Callable[[], AbstractContextManager[None]]

    def start(self) -> KeyProvider:
        """The provider as another process would make it."""
        return providers_of(self.settings).default


def local(folder: Path) -> Holder:
    file = folder / "keys.json"

    @contextmanager
    def away() -> Iterator[None]:
        hidden = file.rename(folder / "hidden.json")
        yield
        hidden.rename(file)

    return Holder(settings_for(folder), away)


def aws_kms(folder: Path, aws: Aws) -> Holder:
    @contextmanager
    def away() -> Iterator[None]:
        aws.is_down = True
        yield
        aws.is_down = False

    return Holder(settings_for(folder, **PATIENT, keys="aws-kms", **kms_settings(aws)), away)


def pkcs11(folder: Path, token: SoftHsm) -> Holder:
    return Holder(settings_for(folder, **PATIENT, keys="pkcs11", **token.settings), token.taken_out)


def vault(folder: Path, server: Vault) -> Holder:
    @contextmanager
    def away() -> Iterator[None]:
        server.is_sealed = True
        yield
        server.is_sealed = False

    return Holder(settings_for(folder, **PATIENT, keys="vault", **server.settings), away)


def kms_settings(aws: Aws) -> dict[str, object]:
    return {"kms_endpoint": aws.endpoint, "kms_region": REGION}


def all_settings(aws: Aws, token: SoftHsm, server: Vault) -> dict[str, object]:
    """The settings that make every provider possible; the default stays the local file."""
    return {**PATIENT, **kms_settings(aws), **token.settings, **server.settings}


def variables(settings: dict[str, object]) -> dict[str, str]:
    """The same as an operator sets them."""
    return {f"PORTAL_{name.upper()}": str(value) for name, value in settings.items()}


def destroy_elsewhere(
    settings: Settings, more: dict[str, object], tenant_ids: Iterable[UUID]
) -> None:
    """End the root keys of tenants outside the local file: the stand-ins serve the whole run."""
    providers = providers_of(replace(settings, **more)).possible()
    for tenant_id in tenant_ids:
        for provider in providers:
            if provider.name != "local":
                provider.destroy(tenant_id)
