"""Sending a message to a destination, whatever kind it is."""

import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import requests

from portal.auth.sso.deadline import within
from portal.auth.sso.fetch import opening
from portal.auth.sso.refusals import Reason, Unacceptable
from portal.auth.sso.slots import slot
from portal.core.settings import active
from portal.destinations.kinds import Kind
from portal.destinations.messages import Message
from portal.destinations.models import LogDestination
from portal.destinations.places import Place
from portal.destinations.taking import WHY, NotTaken, printable
from portal.destinations.ways import mail, object_store, syslog, webhook
from portal.tenancy.session import release

ALTOGETHER_SECONDS = 7

Way = Callable[[Any, str, Message], str]

WAYS: Mapping[str, Way] = {
    Kind.MAIL: mail.send,
    Kind.SYSLOG: syslog.send,
    Kind.WEBHOOK: webhook.send,
    Kind.OBJECT_STORE: object_store.send,
}
TAKE_A_SLOT_THEMSELVES = frozenset({Kind.WEBHOOK, Kind.OBJECT_STORE})


@dataclass(frozen=True, slots=True)
class Receiver:
    """What of a destination has to be known to send something, once its row is let go."""

    kind: str
    place: Place
    secret: str


def receiver_of(destination: LogDestination) -> Receiver:
    """A destination as a receiver. Raises `KeyUnavailable`."""
    return Receiver(destination.kind, destination.place, destination.secret)


def send(receiver: Receiver, message: Message) -> str:
    """Send it, and give what the destination answered. Ends the present transaction.

    Raises `NotTaken`, or `Misconfigured` where a part of the installation is missing.
    """
    release()  # it may be slow: no transaction waits for it
    networks = [ip_network(text) for text in active().log_networks.split()]
    takes_slot = receiver.kind not in TAKE_A_SLOT_THEMSELVES
    try:
        with (
            slot() if takes_slot else nullcontext(),
            within(ALTOGETHER_SECONDS),
            opening(networks),
        ):
            return WAYS[receiver.kind](receiver.place, receiver.secret, message)
    except Unacceptable as error:
        raise NotTaken(WHY[error.reason]) from None
    except (requests.exceptions.SSLError, ssl.SSLError) as error:
        raise NotTaken("Its certificate is not trusted.", str(error)) from None
    except smtplib.SMTPException as error:
        raise NotTaken(f"The mail server refused: {type(error).__name__}", str(error)) from None
    except (requests.RequestException, OSError) as error:
        raise NotTaken(WHY[Reason.UNREACHABLE], printable(type(error).__name__)) from None
