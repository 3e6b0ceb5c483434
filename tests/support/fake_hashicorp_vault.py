# SPDX-License-Identifier: Apache-2.0
"""A stand-in for HashiCorp Vault: the part of its HTTP API that secrets are read with.

No server of the real one can be had from a package registry. What is answered here is what Vault's
API pages say (KV 1 and 2, AppRole, Kubernetes, token, wrapping), with its own error texts.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, Any]]
DENIED: Answer = (403, {"errors": ["permission denied"]})
ABSENT: Answer = (404, {"errors": []})
SEALED: Answer = (503, {"errors": ["Vault is sealed"]})


@dataclass
class _Token:
    expires: float | None = None
    renewable: bool = False
    life: int = 0


@dataclass
class FakeVault:
    """Its state; tests change it. ``port`` is kept over a restart."""

    port: int = 0
    sealed: bool = False
    silent: bool = False
    """Whether it takes requests and answers none."""
    namespace: str | None = None
    token_life: int = 3600
    """Seconds of tokens that a login gives."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request."""
    kv1: dict[str, dict[str, Any]] = field(default_factory=dict)
    kv2: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    """Versions by path, the first one first; None for a deleted one."""
    approles: dict[str, str] = field(default_factory=dict)
    """Secret id by role id."""
    service_accounts: dict[str, str] = field(default_factory=dict)
    """Service account token by role."""
    wrapped: dict[str, str] = field(default_factory=dict)
    """Secret id by wrapping token, which is good for one time."""
    forbidden: set[str] = field(default_factory=set)
    """Paths that no token may read."""
    tokens: dict[str, _Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._released = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the ``config`` of a vault entity that points here."""
        return {"host": "127.0.0.1", "port": self.port, **more}

    def allow(self, token: str, life: int = 0, *, renewable: bool = False) -> str:
        """Make a token good for ``life`` seconds, 0 for ever."""
        expires = time.monotonic() + life if life else None
        self.tokens[token] = _Token(expires, renewable, life)
        return token

    def put(self, path: str, **data: Any) -> None:
        """Write another version of a secret."""
        self.kv1[path] = data
        self.kv2.setdefault(path, []).append(data)

    def reads(self) -> int:
        """How often a secret was asked for."""
        return sum(path.startswith("/v1/secret/") for _, path in self.calls)

    # --- what it answers ---------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: Any) -> Answer:
        """Return status and body."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        self.calls.append((method, path))
        if self.sealed:
            return SEALED
        if headers.get("X-Vault-Namespace") != self.namespace:
            return ABSENT
        if path.startswith("/v1/auth/") and path.endswith("/login"):
            return self._login(path, body)
        given = headers.get("X-Vault-Token", "")
        if path == "/v1/sys/wrapping/unwrap":
            return self._unwrap(given)
        token = self.tokens.get(given)
        if token is None or (token.expires is not None and time.monotonic() > token.expires):
            return DENIED
        if path == "/v1/auth/token/lookup-self":
            return 200, {"data": {"ttl": self._left(token), "renewable": token.renewable}}
        if path == "/v1/auth/token/renew-self":
            return self._renew(given, token)
        return self._read(path, parse_qs(parts.query))

    def _left(self, token: _Token) -> int:
        return 0 if token.expires is None else max(1, int(token.expires - time.monotonic()))

    def _login(self, path: str, body: Mapping[str, Any]) -> Answer:
        if path == "/v1/auth/approle/login":
            known = self.approles.get(str(body.get("role_id")))
            if known is None or known != body.get("secret_id"):
                return 400, {"errors": ["invalid role or secret ID"]}
        elif path == "/v1/auth/kubernetes/login":
            known = self.service_accounts.get(str(body.get("role")))
            if known is None or known != body.get("jwt"):
                return DENIED
        else:
            return DENIED
        token = self.allow(f"hvs.{secrets.token_hex(12)}", self.token_life, renewable=True)
        return 200, {"auth": self._auth(token)}

    def _auth(self, token: str) -> dict[str, Any]:
        known = self.tokens[token]
        return {
            "client_token": token,
            "lease_duration": known.life,
            "renewable": known.renewable,
        }

    def _unwrap(self, token: str) -> Answer:
        secret_id = self.wrapped.pop(token, None)
        if secret_id is None:
            return 400, {"errors": ["wrapping token is not valid or does not exist"]}
        return 200, {"data": {"secret_id": secret_id}}

    def _renew(self, text: str, token: _Token) -> Answer:
        if not token.renewable:
            return 400, {"errors": ["lease is not renewable"]}
        token.expires = time.monotonic() + token.life
        return 200, {"auth": self._auth(text)}

    def _read(self, path: str, query: Mapping[str, list[str]]) -> Answer:
        name = path.removeprefix("/v1/secret/")
        if name == path or name in self.forbidden or name.removeprefix("data/") in self.forbidden:
            return DENIED
        if not name.startswith("data/"):
            found = self.kv1.get(name)
            lease = {"lease_id": "", "lease_duration": 2764800}
            return ABSENT if found is None else (200, {**lease, "data": found})
        versions = self.kv2.get(name.removeprefix("data/"))
        if not versions:
            return ABSENT
        number = int(query.get("version", [str(len(versions))])[0])
        if not 1 <= number <= len(versions):
            return ABSENT
        data = versions[number - 1]
        metadata = {"version": number, "destroyed": False, "deletion_time": "" if data else "2026"}
        # A deleted version is a 404 with its metadata.
        return (404 if data is None else 200), {"data": {"data": data, "metadata": metadata}}

    # --- the server --------------------------------------------------------------------------

    def start(self) -> None:
        """Listen."""
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond()

            def do_POST(self) -> None:
                self._respond()

            def _respond(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                if vault.silent:
                    vault._released.wait(60)
                    return
                status, found = vault.answer(self.command, self.path, dict(self.headers), body)
                content = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self._released.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be gone; ``start`` comes back on the same port with the same state."""
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def running_vault() -> Iterator[FakeVault]:
    """Run a vault that knows the token ``root``."""
    vault = FakeVault()
    vault.allow("root")
    vault.start()
    try:
        yield vault
    finally:
        vault.stop()
