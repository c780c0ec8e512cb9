"""Going through a rewrap, for the command line and the worker: batch by batch, each committed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.keys.models import TenantKey
from portal.keys.queries import list_tenant_keys
from portal.keys.rewrapping import rewrap
from portal.keys.rotation import retire_seeds
from portal.tenancy.session import db

PASSES = 3  # a pass leaves out what others hold, and what they seal meanwhile
PAUSE_SECONDS = 0.01  # between batches, so that others come to write


@dataclass
class Rewrapped:
    """What a run did, what it could not open, and the earlier seeds that are still kept."""

    renewed: int = 0
    damaged: set[str] = field(default_factory=set)
    kept: list[TenantKey] = field(default_factory=list)


def finish_rotation(on_batch: Callable[[int], object] = int) -> Rewrapped:
    """Rewrap what the bound tenant has under earlier seeds, and destroy those whose time has come.

    Raises `KeyUnavailable`.
    """
    done = Rewrapped()
    keys = list_tenant_keys()
    if len(keys) < 2:
        return done
    for _ in range(PASSES):
        if not _pass(done, on_batch):
            break
    if done.renewed:
        detail: dict[str, Any] = {"renewed": done.renewed, "damaged": len(done.damaged)}
        record(SYSTEM, Action.KEY_REWRAPPED, f"tenant-key:{keys[0].version}", **detail)
    done.kept = retire_seeds()
    db.session.commit()
    return done


def _pass(done: Rewrapped, on_batch: Callable[[int], object]) -> int:
    renewed = 0
    for batch in rewrap():
        db.session.commit()
        renewed += batch.renewed
        done.damaged |= set(batch.damaged)
        on_batch(batch.renewed)
        time.sleep(PAUSE_SECONDS)
    done.renewed += renewed
    return renewed
