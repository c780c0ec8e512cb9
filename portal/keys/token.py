"""The one session that this process has with a hardware module (PKCS#11).

Logging in is per process, and closing a session logs the process's other sessions out; a module
that was begun without locks is for one thread at a time; and after a fork it has to be begun anew.
So there is one session a process, opened there, behind a lock.
"""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import TypeVar

import pkcs11
from pkcs11 import exceptions as said

from portal.core.errors import Misconfigured
from portal.keys.processes import PerProcess
from portal.keys.providers import ProviderAway

T = TypeVar("T")

# What says nothing about the session: the caller knows what it means.
ANSWERS = (said.NoSuchKey, said.MultipleObjectsReturned)
PIN_REFUSED = (said.PinIncorrect, said.PinInvalid, said.PinLenRange, said.PinExpired)


class Token:
    """A token of a module, found by its label."""

    def __init__(self, module: str, label: str, pin: str) -> None:
        self._module = module
        self._label = label
        self._pin = pin
        self._lock = Lock()
        self._session: pkcs11.Session | None = None
        self._is_pin_refused = False

    def run(self, work: Callable[[pkcs11.Session], T]) -> T:
        """Do something in the session, which is opened anew once where it was lost.

        `work` may be done twice. Raises `ProviderAway`, and what is in `ANSWERS`.
        """
        with self._lock:
            if self._session is not None:
                try:
                    return work(self._session)
                except ANSWERS:
                    raise
                except pkcs11.PKCS11Error:
                    self._session = None
            try:
                self._session = self._open()
                return work(self._session)
            except ANSWERS:
                raise
            except pkcs11.PKCS11Error as error:
                self._session = None
                raise ProviderAway(type(error).__name__) from None

    def _open(self) -> pkcs11.Session:
        """Begin the module anew, which ends what was open, and log in.

        A PIN that was refused is not tried again: few tries lock a token for good.
        """
        if self._is_pin_refused:
            raise ProviderAway("the token refused the PIN; restart with the right one")
        module = pkcs11.lib(self._module)
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
    """This process's token of that module and label.

    Raises `Misconfigured` where the module can't be loaded.
    """
    try:
        pkcs11.lib(module)
    except pkcs11.PKCS11Error as error:
        if "loading" in str(error):
            raise Misconfigured(f"{module} is no PKCS#11 module.") from None
    return _tokens(module, label, pin).get()
