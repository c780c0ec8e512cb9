"""A stand-in for Vault's transit engine, since no Vault can be installed here: real HTTP, real
AES-GCM under derived keys, and refusals as OpenBao's source has them.

Known of it: AppRole and tokens, a policy that refuses a path, keys with versions, `derived`,
`deletion_allowed` and `min_decryption_version`, encrypting (which makes a key that is missing, as
the original does), decrypting, rewrapping, a seal, and a mount that is not there.
"""

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROLE_ID, SECRET_ID = "role-of-the-tests", "secret-of-the-tests"


class Refused(Exception):
    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status, *errors)
        self.status, self.errors = status, errors


@dataclass
class Key:
    """A named key and its versions, counted from 1."""

    derived: bool
    exportable: bool
    versions: list[bytes] = field(default_factory=lambda: [secrets.token_bytes(32)])
    deletion_allowed: bool = False
    min_decryption_version: int = 1

    def cipher(self, version: int, context: bytes) -> AESGCM:
        secret = self.versions[version - 1]
        if not self.derived:
            return AESGCM(secret)
        if not context:
            raise Refused(400, "missing 'context' for key derivation")
        return AESGCM(HKDF(SHA256(), 32, None, context).derive(secret))

    def encrypt(self, plaintext: str, context: bytes) -> str:
        nonce = secrets.token_bytes(12)
        cipher = self.cipher(len(self.versions), context)
        sealed = nonce + cipher.encrypt(nonce, _decoded(plaintext), None)
        return f"vault:v{len(self.versions)}:{_encoded(sealed)}"

    def decrypt(self, ciphertext: str, context: bytes) -> str:
        if not ciphertext.startswith("vault:v"):
            raise Refused(400, "invalid ciphertext: no prefix")
        number, _, text = ciphertext.removeprefix("vault:v").partition(":")
        if not number.isdigit() or not text:
            raise Refused(400, "invalid ciphertext: wrong number of fields")
        version = int(number)
        if version > len(self.versions):
            raise Refused(400, "invalid ciphertext: version is too new")
        if version < self.min_decryption_version:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        sealed = _decoded(text)
        try:
            plain = self.cipher(version, context).decrypt(sealed[:12], sealed[12:], None)
        except (InvalidTag, ValueError):
            raise Refused(400, "cipher: message authentication failed") from None
        return _encoded(plain)

    def shown(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "aes256-gcm96",
            "derived": self.derived,
            "exportable": self.exportable,
            "deletion_allowed": self.deletion_allowed,
            "min_decryption_version": self.min_decryption_version,
            "latest_version": len(self.versions),
        }


@dataclass
class Vault:
    """A running server, and what it holds."""

    port: int = 0
    mount: str = "transit"
    keys: dict[str, Key] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    forbidden: str = ""  # paths that begin like this are denied by policy
    is_sealed: bool = False
    redirect_to: str = ""
    lock: Lock = field(default_factory=Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, object]:
        return {"vault_url": self.address, "vault_role_id": ROLE_ID, "vault_secret_id": SECRET_ID}

    def issue_token(self) -> str:
        token = f"hvs.{secrets.token_hex(12)}"
        self.tokens.add(token)
        return token

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> Any:
        """What there is to say; None for nothing. Raises `Refused`."""
        if self.is_sealed:
            raise Refused(503, "Vault is sealed")
        if (method, path) == ("POST", "auth/approle/login"):
            return self._sign_in(body)
        if token not in self.tokens or (self.forbidden and path.startswith(self.forbidden)):
            raise Refused(403, "permission denied")
        mount, _, rest = path.partition("/")
        if mount != self.mount:
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        parts = rest.split("/")
        verb = {"GET": "read", "DELETE": "delete"}.get(method, parts[0])
        verb = f"{verb}_{parts[2]}" if len(parts) == 3 else verb
        with self.lock:
            return VERBS[verb](self, parts[1], body)

    def _sign_in(self, body: dict[str, Any]) -> Any:
        if (body.get("role_id"), body.get("secret_id")) != (ROLE_ID, SECRET_ID):
            raise Refused(400, "invalid role or secret ID")
        return {"auth": {"client_token": self.issue_token(), "renewable": True}}

    def _create(self, name: str, body: dict[str, Any]) -> Any:
        derived, exportable = body.get("derived", False), body.get("exportable", False)
        key = self.keys.setdefault(name, Key(derived, exportable))
        return {"data": key.shown(name)}

    def _read(self, name: str, _body: dict[str, Any]) -> Any:
        if name not in self.keys:
            raise Refused(404)
        return {"data": self.keys[name].shown(name)}

    def _configure(self, name: str, body: dict[str, Any]) -> Any:
        if name not in self.keys:
            raise Refused(400, f"no existing key named {name} could be found")
        key = self.keys[name]
        key.deletion_allowed = body.get("deletion_allowed", key.deletion_allowed)
        key.min_decryption_version = body.get("min_decryption_version", key.min_decryption_version)
        return {"data": key.shown(name)}

    def _rotate(self, name: str, _body: dict[str, Any]) -> Any:
        self.keys[name].versions.append(secrets.token_bytes(32))
        return {"data": self.keys[name].shown(name)}

    def _delete(self, name: str, _body: dict[str, Any]) -> Any:
        if name not in self.keys:
            raise Refused(400, f"error deleting policy {name}: could not delete key; not found")
        if not self.keys[name].deletion_allowed:
            raise Refused(400, f"error deleting policy {name}: deletion is not allowed")
        del self.keys[name]

    def _encrypt(self, name: str, body: dict[str, Any]) -> Any:
        """Upserts, as the original does unless it is told not to."""
        context = _decoded(body.get("context", ""))
        key = self.keys.setdefault(name, Key(bool(context), exportable=False))
        return {"data": {"ciphertext": key.encrypt(body["plaintext"], context)}}

    def _decrypt(self, name: str, body: dict[str, Any]) -> Any:
        return {"data": {"plaintext": self._opened(name, body)}}

    def _rewrap(self, name: str, body: dict[str, Any]) -> Any:
        """Knows no associated data: what was made with some can't be rewrapped."""
        plaintext = self._opened(name, body)
        context = _decoded(body.get("context", ""))
        return {"data": {"ciphertext": self.keys[name].encrypt(plaintext, context)}}

    def _opened(self, name: str, body: dict[str, Any]) -> str:
        if name not in self.keys:
            raise Refused(400, "encryption key not found")
        if "ciphertext" not in body:  # as from somebody who was killed while sending it
            raise Refused(400, "missing ciphertext to decrypt")
        return self.keys[name].decrypt(body["ciphertext"], _decoded(body.get("context", "")))


VERBS: dict[str, Callable[[Vault, str, dict[str, Any]], Any]] = {
    "keys": Vault._create,
    "read": Vault._read,
    "delete": Vault._delete,
    "keys_config": Vault._configure,
    "keys_rotate": Vault._rotate,
    "encrypt": Vault._encrypt,
    "decrypt": Vault._decrypt,
    "rewrap": Vault._rewrap,
}


@contextmanager
def vault_server() -> Iterator[Vault]:
    """A Vault for the block, unsealed and empty."""
    vault = Vault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vault": vault}))
    server.daemon_threads = True
    vault.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    vault: Vault
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet, or the client waits for the second

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path = self.path.removeprefix("/v1/")
        self.vault.asked.append(f"{self.command} {path}")
        if self.vault.redirect_to:
            return self._send(307, None, Location=self.vault.redirect_to)
        token = self.headers.get("X-Vault-Token", "")
        try:
            answer = self.vault.answer(self.command, path, token, body)
        except Refused as refused:
            return self._send(refused.status, {"errors": list(refused.errors)})
        return self._send(204 if answer is None else 200, answer)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # the names that http.server calls

    def _send(self, status: int, answer: Any, **headers: str) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


def _encoded(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Refused(400, "failed to base64-decode") from None
