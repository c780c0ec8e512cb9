"""POSTs to a program, signed as Standard Webhooks has it (standardwebhooks.com, 1.0.0), for which
there are libraries that verify them.

What is signed is `id.timestamp.body`, by HMAC-SHA256 under a secret that only the portal and the
program know: so a body can't be altered, nor be sent again later as if it were new.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256

import requests

from portal.auth.sso.fetch import prepare
from portal.core import clock
from portal.destinations.messages import Message
from portal.destinations.places import WebhookPlace
from portal.destinations.taking import require_taken

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret, as the libraries take it."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def send(place: WebhookPlace, secret: str, message: Message) -> str:
    """POST it; several records are a line each."""
    body = "\n".join(record.line for record in message.records).encode()
    headers = {
        "Content-Type": message.media_type,
        "Portal-Event": message.event,
        **signature_headers(secret, f"msg_{message.id}", int(clock.now().timestamp()), body),
    }
    with requests.Session() as session:
        prepare(session, takes_json_only=False)
        return require_taken(session.post(place.address, data=body, headers=headers))


def signature_headers(secret: str, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves who sent a body, and when."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = f"{id_}.{timestamp}.".encode() + body
    signature = b64encode(hmac.new(key, signed, sha256).digest()).decode("ascii")
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
