"""A signed statement as a file that others can verify without the portal: the signed bytes, the
signature, the key, and how it is done.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from uuid import UUID

from portal.core.canonical import canonical
from portal.core.errors import Invalid
from portal.keys.signing import Signature, get_signing_key, is_genuine, pem_of

HOW_TO_VERIFY = (
    "The member 'signed' is {what}. Write it to a file as UTF-8 with nothing added, and the"
    " member 'signature', decoded from base64, to another: its SHA-256 is the member 'sha256', and"
    " openssl pkeyutl -verify -rawin -pubin -inkey KEY -in RESULT -sigfile SIGNATURE proves it with"
    " the member 'public_key', an Ed25519 key (RFC 8032). That the key is this organisation's, the"
    " audit log tells (signing-key.made)."
)


def statement_file(content: bytes, signature: Signature, what: str) -> bytes:
    """What was signed, with all that verifies it; `what` says in words what it is."""
    return canonical(
        {
            "how_to_verify": HOW_TO_VERIFY.format(what=what),
            "key_id": str(signature.key_id),
            "public_key": pem_of(get_signing_key(signature.key_id).public_key),
            "sha256": hashlib.sha256(content).hexdigest(),
            "signature": b64encode(signature.value).decode("ascii"),
            "signed": content.decode(),
        }
    )


def open_statement(given: bytes, what: str) -> bytes:
    """What the bound tenant signed, if `given` is what `statement_file` made, to the last byte.

    Raises `Invalid` that says what is wrong.
    """
    content, signature = _taken_apart(given)
    if not is_genuine(content, signature):
        raise Invalid("The signature does not match: this was altered, or signed by somebody else.")
    if statement_file(content, signature, what) != given:
        raise Invalid("The result is genuine, but what stands around it was altered.")
    return content


def _taken_apart(given: bytes) -> tuple[bytes, Signature]:
    try:
        envelope = json.loads(given)
        signature = Signature(
            UUID(envelope["key_id"]), b64decode(envelope["signature"], validate=True)
        )
        return envelope["signed"].encode(), signature
    except (ValueError, KeyError, TypeError, AttributeError, NotBase64, RecursionError):
        raise Invalid("This is not a signed report as the portal hands them out.") from None
