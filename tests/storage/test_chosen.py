from pathlib import Path

import pytest

from portal.core.errors import Misconfigured
from portal.storage import chosen
from portal.storage.local.store import LocalBlobs


def test_the_store_must_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "_stores", None)
    with pytest.raises(Misconfigured):
        chosen.configured()
    stores = {"local": LocalBlobs(tmp_path)}
    chosen.configure(stores)
    assert chosen.configured() is stores
