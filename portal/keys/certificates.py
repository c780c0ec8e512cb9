"""The certificate of destruction: canonical JSON, signed by the organisation's own key.

It says itself by which key, so that it is verified without the portal; whoever kept that key's
public part from before knows besides that it is the organisation's.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.core.canonical import canonical
from portal.core.errors import Invalid
from portal.keys.signing import get_live_key, pem_of, sign

FORMAT = "portal/key-destruction/v1"


class NotGenuine(Invalid):
    """The certificate was altered, or is none."""

    message = "This is not a certificate, or it was not signed by the key in it."


def certify(facts: Mapping[str, Any]) -> bytes:
    """A signed certificate of `facts`, which hold what `canonical` can write."""
    key = get_live_key()
    body = {
        **facts,
        "format": FORMAT,
        "key": {
            "id": str(key.id),
            "ed25519": b64encode(key.public_key).decode("ascii"),
            "pem": pem_of(key.public_key),
        },
    }
    signature = sign(canonical(body))
    return canonical(body | {"signature": b64encode(signature.value).decode("ascii")}) + b"\n"


def verify_certificate(content: bytes) -> dict[str, Any]:
    """What a certificate tells. The key is written in it in two ways, which have to be of one key:
    people compare the one that didn't verify anything. Raises `NotGenuine`.
    """
    try:
        body = json.loads(content)
        signature = b64decode(body.pop("signature"), validate=True)
        public_key = b64decode(body["key"]["ed25519"], validate=True)
        is_ours = body["format"] == FORMAT and body["key"]["pem"] == pem_of(public_key)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, canonical(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidSignature):
        raise NotGenuine from None
    if not is_ours:
        raise NotGenuine
    return dict(body)
