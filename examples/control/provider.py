# SPDX-License-Identifier: Apache-2.0
"""A small OpenID provider for this machine: discovery, keys, and tokens by client credentials.

It stands for yours in the guide, and is for nothing else: whoever reaches it and knows a secret
of ``CLIENTS`` gets a token. ``python examples/control/provider.py [PORT]``
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENTS: dict[str, tuple[str, list[str]]] = {
    "shop": ("shop-secret", ["writers"]),
    "trial": ("trial-secret", ["writers"]),
    "viewer": ("viewer-secret", ["readers"]),
}
"""Secret and groups of each client."""
LIFETIME = 3600
KEY = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": "first"})


class Provider(BaseHTTPRequestHandler):
    """Responds to what a client and a gateway ask a provider (OpenID Connect Discovery 1.0)."""

    protocol_version = "HTTP/1.1"

    issuer: str
    """The provider's name, which is where it is."""

    def do_GET(self) -> None:
        """Show the discovery document, or the public key."""
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint": f"{self.issuer}/token",
            },
            "/keys": {"keys": [KEY.as_dict(private=False)]},
        }
        found = documents.get(self.path)
        self._respond(200 if found else 404, found or {"error": "not_found"})

    def do_POST(self) -> None:
        """Sign a token for a client that proves itself by HTTP Basic (RFC 6749, 4.4)."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        client = self._client()
        if self.path != "/token" or form.get("grant_type") != ["client_credentials"]:
            self._respond(400, {"error": "unsupported_grant_type"})
        elif client is None:
            self._respond(401, {"error": "invalid_client"})
        else:
            self._respond(200, {"access_token": self._token(client), "expires_in": LIFETIME})

    def _client(self) -> str | None:
        try:
            proof = base64.b64decode(self.headers.get("Authorization", "").partition(" ")[2])
        except binascii.Error:
            return None
        name, _, secret = proof.decode(errors="replace").partition(":")
        return name if name in CLIENTS and CLIENTS[name][0] == secret else None

    def _token(self, client: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "orders",
            "sub": client,
            "client_id": client,
            "groups": CLIENTS[client][1],
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode({"alg": "ES256", "kid": "first"}, claims, KEY)

    def _respond(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9400
    Provider.issuer = f"http://127.0.0.1:{port}"
    with ThreadingHTTPServer(("127.0.0.1", port), Provider) as server:
        server.serve_forever()
