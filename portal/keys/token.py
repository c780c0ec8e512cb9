"""The one session that this process has with a hardware module (PKCS#11).

Logging in is per process, and closing a session logs the process's other sessions out; a module
that was begun without locks is for one thread at a time; and after a fork it has to be begun anew.
So there is one session a process, opened there, behind a lock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TypeVar

import pkcs11
from pkcs11 import exceptions as said

from portal.core.processes import PerProcess
from portal.keys.providers import ProviderAway

T = TypeVar("T")


@dataclass(slots=True)
class _Turn:
    """Whose turn it is, whichever the token: modules are begun whole, and all sessions end then."""

    lock: Lock = field(default_factory=Lock)
    opened_by: "Token | None" = None


_turn: PerProcess[_Turn] = PerProcess(_Turn)

BELIEVED_SECONDS = 10.0
PIN_REFUSED = (
    said.PinExpired,
    said.PinIncorrect,
    said.PinInvalid,
    said.PinLenRange,
    said.PinLocked,
)


class Token:
    """A token of a module, found by its label."""

    def __init__(self, module: str, label: str, pin: str) -> None:
        self._module = module
        self._label = label
        self._pin = pin
        self._session: pkcs11.Session | None = None
        self._opened_at = 0.0
        self._is_pin_refused = False

    def run(self, work: Callable[[pkcs11.Session], T], *, anew: bool = False) -> T:
        """Do something in the session, which is opened anew where it was lost or is not trusted.

        A session that outlived its token's absence may see an empty token: before it is believed
        that a key is missing, it has to be a young one. `work` may be done twice. Raises
        `ProviderAway`, `NoSuchKey` or `MultipleObjectsReturned`.
        """
        turn = _turn.get()
        with turn.lock:
            if self._session is not None and turn.opened_by is self and not anew:
                try:
                    return work(self._session)
                except said.MultipleObjectsReturned:
                    raise
                except said.NoSuchKey:
                    if time.monotonic() < self._opened_at + BELIEVED_SECONDS:
                        raise
                except pkcs11.PKCS11Error:
                    pass
            self._session, turn.opened_by = None, self
            try:
                self._session, self._opened_at = self._open(), time.monotonic()
                return work(self._session)
            except (said.NoSuchKey, said.MultipleObjectsReturned):
                raise
            except pkcs11.PKCS11Error as error:
                self._session = None
                reason = type(error).__name__
        # Out here: an error that is kept keeps what was under way, and the library ends that
        # when it is let go, be it by then in another session under the same number.
        raise ProviderAway(reason)

    def _open(self) -> pkcs11.Session:
        """Begin the module anew, which ends what was open, and log in.

        A PIN that was refused is not tried again: few tries lock a token for good.
        """
        if self._is_pin_refused:
            raise ProviderAway("the token refused the PIN; restart with the right one")
        try:
            module = pkcs11.lib(self._module)
        except pkcs11.PKCS11Error as error:
            raise ProviderAway("the module can't be loaded") from error
        module.reinitialize()
        token = module.get_token(token_label=self._label)
        try:
            return token.open(rw=True, user_pin=self._pin)
        except PIN_REFUSED:
            self._is_pin_refused = True
            raise ProviderAway("the token refused the PIN; restart with the right one") from None


@cache
def _tokens(module: str, label: str, pin: str) -> PerProcess[Token]:
    return PerProcess(lambda: Token(module, label, pin))


def token(module: str, label: str, pin: str) -> Token:
    """This process's token of that module and label."""
    return _tokens(module, label, pin).get()
