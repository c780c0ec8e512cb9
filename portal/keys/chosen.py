"""Which providers an installation has, each made when it is first asked for."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from threading import Lock

from portal.core.errors import Invalid, Misconfigured
from portal.core.settings import Settings
from portal.keys.limits import Limited
from portal.keys.local import LocalKeys
from portal.keys.providers import KeyProvider, KeyUnavailable

Maker = Callable[[str], KeyProvider]  # takes the organisation's own key, or ""


class Providers:
    """The providers by name, and the one that new organisations get unless another is named."""

    def __init__(self, makers: Mapping[str, Maker], default: str) -> None:
        """Raises `Misconfigured` where the default can't be made from the settings."""
        self._makers = makers
        self._lock = Lock()
        self._made: dict[tuple[str, str], KeyProvider] = {}
        self.default = self.get(default)

    def get(self, name: str, own_key: str = "") -> KeyProvider:
        """The provider of that name, working with the organisation's own key where one is given.

        Raises `Misconfigured` where the installation has none of that name.
        """
        if name not in self._makers:
            raise Misconfigured(f"There is no key provider {name}.")
        with self._lock:
            if (name, own_key) not in self._made:
                self._made[name, own_key] = self._makers[name](own_key)
            return self._made[name, own_key]

    def possible(self) -> list[KeyProvider]:
        """Every provider that the settings make possible."""
        found = []
        for name in self._makers:
            with suppress(Misconfigured):
                found.append(self.get(name))
        return found

    def health(self) -> dict[str, str]:
        """What is wrong with each that this process was asked for; "" where nothing is.

        The default comes first. Organisations' own keys are theirs to look after.
        """
        with self._lock:
            made = [provider for (_, own_key), provider in self._made.items() if not own_key]
        return {provider.name: _fault(provider) for provider in made}


def providers_of(settings: Settings) -> Providers:
    """The providers that these settings make possible."""
    makers = {
        name: partial(make, settings)
        for name, make in (
            ("local", _local),
            ("aws-kms", _aws),
            ("pkcs11", _pkcs11),
            ("vault", _vault),
        )
    }
    return Providers(makers, settings.keys)


def _fault(provider: KeyProvider) -> str:
    try:
        provider.health()
    except (KeyUnavailable, Misconfigured) as error:
        return getattr(error, "reason", "") or str(error)
    return ""


def _local(settings: Settings, own_key: str) -> KeyProvider:
    _refuse(own_key)
    return LocalKeys(settings.instance / "keys.json")


def _aws(settings: Settings, own_key: str) -> KeyProvider:
    _need_extra("boto3", "aws")
    from portal.keys.aws import Access, AwsKms  # noqa: PLC0415  # an extra of the package

    access = Access(
        region=settings.kms_region,
        endpoint=settings.kms_endpoint,
        timeout_seconds=settings.keys_timeout_seconds,
    )
    kms = AwsKms(access, own_key, waiting_days=settings.kms_waiting_days)
    return Limited(kms, settings.keys_timeout_seconds)


def _pkcs11(settings: Settings, own_key: str) -> KeyProvider:
    _refuse(own_key)
    _need(pkcs11_module=settings.pkcs11_module, pkcs11_pin=settings.pkcs11_pin)
    _need_extra("pkcs11", "pkcs11")
    from portal.keys.hsm import Pkcs11  # noqa: PLC0415  # an extra

    token = Pkcs11(str(settings.pkcs11_module), settings.pkcs11_token, settings.pkcs11_pin)
    return Limited(token, settings.keys_timeout_seconds)


def _vault(settings: Settings, own_key: str) -> KeyProvider:
    _refuse(own_key)
    _need(vault_url=settings.vault_url)
    if not settings.vault_token:
        _need(vault_role_id=settings.vault_role_id, vault_secret_id=settings.vault_secret_id)
    _need_extra("hvac", "vault")
    from portal.keys.vault import Access, VaultTransit  # noqa: PLC0415  # an extra

    access = Access(
        url=settings.vault_url,
        token=settings.vault_token,
        role_id=settings.vault_role_id,
        secret_id=settings.vault_secret_id,
        ca_file=settings.vault_ca,
        timeout_seconds=settings.keys_timeout_seconds,
    )
    return Limited(VaultTransit(access, settings.vault_mount), settings.keys_timeout_seconds)


def _refuse(own_key: str) -> None:
    if own_key:
        raise Invalid("An organisation's own key is possible at aws-kms only.")


def _need(**settings: object) -> None:
    missing = [f"PORTAL_{name.upper()}" for name, value in settings.items() if not value]
    if missing:
        raise Misconfigured(f"The key provider needs a setting: {', '.join(missing)}.")


def _need_extra(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise Misconfigured(f"Its library is missing; install tenant-portal[{extra}].")
