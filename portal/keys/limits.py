"""A time limit on every call of a provider that is somewhere else.

The call runs in a thread beside the request's and is left behind where it takes too long: libraries
keep limits of their own for one packet or one try, and a hardware module's none at all. A provider
that gave no answer is not asked again for a few seconds, and then by one caller alone, so that one
that hangs takes seconds of a few requests and never all threads of a server. What is unlocked
already goes on serving meanwhile.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Semaphore, Thread
from typing import TypeVar
from uuid import UUID

import structlog

from portal.core.errors import Misconfigured, PortalError
from portal.keys.providers import KeyProvider, KeyUnavailable, ProviderAway

PAUSE_SECONDS = 5.0  # before a provider that was away is asked again
HEALTHY_SECONDS = 5.0  # for so long a good answer about its health is repeated
CALLS = 16  # at once, those that hang included

T = TypeVar("T")
log = structlog.get_logger()


class Limited:
    """A `KeyProvider` that answers within so many seconds or raises `ProviderAway`."""

    def __init__(self, provider: KeyProvider, seconds: float) -> None:
        self.name, self.own_key = provider.name, provider.own_key
        self._provider = provider
        self._seconds = seconds
        self._places = Semaphore(CALLS)
        self._lock = Lock()
        self._ask_again_at: float | None = None  # None: it answered the last time
        self._healthy_until = 0.0

    def create(self, tenant_id: UUID) -> None:
        self._ask(lambda: self._provider.create(tenant_id))

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        return self._ask(lambda: self._provider.wrap(tenant_id, version, seed))

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        return self._ask(lambda: self._provider.unwrap(tenant_id, version, wrapped))

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        return self._ask(lambda: self._provider.rewrap(tenant_id, version, wrapped))

    def destroy(self, tenant_id: UUID) -> None:
        self._ask(lambda: self._provider.destroy(tenant_id))

    def health(self) -> None:
        if time.monotonic() >= self._healthy_until:  # anybody may ask for /readyz, and often
            self._ask(self._provider.health)
            self._healthy_until = time.monotonic() + HEALTHY_SECONDS

    def _ask(self, call: Callable[[], T]) -> T:
        self._come_in()
        try:
            found = self._answer(call)
        except ProviderAway as error:
            self._stay_away()
            log.warning("key provider away", provider=self.name, reason=error.reason)
            raise
        except KeyUnavailable as error:
            self._come_back()
            log.warning("key unavailable", provider=self.name, reason=error.reason)
            raise
        except PortalError:  # it answered, if not what was hoped for
            self._come_back()
            raise
        self._come_back()
        return found

    def _answer(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._seconds
        if not self._places.acquire(timeout=self._seconds):
            raise ProviderAway("too many calls wait for it")
        answer: Future[T] = Future()
        try:
            Thread(target=self._run, args=(call, answer), daemon=True, name=self.name).start()
        except RuntimeError:
            self._places.release()
            raise ProviderAway("there is no thread to ask it in") from None
        try:
            return answer.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise ProviderAway(f"no answer within {self._seconds:g} seconds") from None

    def _run(self, call: Callable[[], T], answer: Future[T]) -> None:
        try:
            answer.set_result(call())
        except PortalError as error:
            answer.set_exception(error)
        except Misconfigured as error:
            answer.set_exception(ProviderAway(str(error)))
        except Exception as error:  # noqa: BLE001  # its text may tell more than a log should hold
            answer.set_exception(ProviderAway(type(error).__name__))
        finally:
            self._places.release()

    def _come_in(self) -> None:
        """Let one caller find out whether it is back, and refuse the others at once."""
        with self._lock:
            now = time.monotonic()
            if self._ask_again_at is None:
                return
            if now < self._ask_again_at:
                raise ProviderAway("it gave no answer a moment ago")
            self._ask_again_at = now + self._seconds + PAUSE_SECONDS

    def _stay_away(self) -> None:
        with self._lock:
            self._ask_again_at = time.monotonic() + PAUSE_SECONDS
            self._healthy_until = 0.0

    def _come_back(self) -> None:
        with self._lock:
            self._ask_again_at = None
