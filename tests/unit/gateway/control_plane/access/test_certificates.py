# SPDX-License-Identifier: Apache-2.0
"""Client certificates at the Admin API: their name is that of a token, which says what they may."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.control_plane.access.certificates import certificate_names
from tests.support.authority import Authority, Pair, client_context
from tests.support.control_plane import running

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}


def der(pair: Pair) -> bytes:
    """Return a certificate as TLS has it."""
    return x509.load_pem_x509_certificate(pair.certificate.encode()).public_bytes(Encoding.DER)


def test_names_are_those_of_the_subject_and_its_alternatives() -> None:
    authority = Authority()
    assert certificate_names(der(authority.issue("ann"))) == ("ann",)
    assert certificate_names(der(authority.issue("a.test", server=True))) == ("a.test",)
    assert certificate_names(b"no certificate") == ()


def test_one_that_has_expired_since_the_connection_was_made_names_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = der(Authority().issue("ann", days=(0, 1)))
    assert certificate_names(certificate) == ("ann",)
    tomorrow = time.time() + 86400
    monkeypatch.setattr(time, "time", lambda: tomorrow + 3600)
    assert certificate_names(certificate) == ()
    assert certificate_names(der(Authority().issue("ann", days=(-2, -1)))) == ()


async def test_a_certificate_does_what_the_token_of_its_name_may(tmp_path: Path) -> None:
    authority, other = Authority(), Authority()
    server = authority.issue("127.0.0.1", server=True)
    certificate, key = server.write(tmp_path, "admin")
    values = {
        "admin_listen": "127.0.0.1:0 ssl",
        "admin_ssl_cert": str(certificate),
        "admin_ssl_cert_key": str(key),
        "admin_client_ca": authority.pem,
        "admin_token": TOKEN,
    }
    async with running(tmp_path, **values) as place:
        url = f"https://127.0.0.1:{place.port('admin')}"

        async def call(
            pair: Pair | None, method: str = "GET", path: str = "/services", **options: object
        ) -> int:
            context = client_context(authority.pem, pair)
            context.check_hostname = False
            connector = aiohttp.TCPConnector(ssl=context)
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.request(method, url + path, **options) as reply,  # type: ignore[arg-type]  # any of aiohttp's
            ):
                return reply.status

        reader = {"name": "reader", "roles": ["read"]}
        assert await call(None, "POST", "/tokens", json=reader, headers=ADMIN) == 201
        own = authority.issue("reader")
        assert await call(own) == 200
        assert await call(own, "DELETE", "/services/a") == 403
        assert await call(own, "DELETE", "/services/a", headers=ADMIN) == 204
        assert await call(own, headers={"Kong-Admin-Token": "wrong"}) == 401
        assert await call(authority.issue("nobody")) == 401
        assert await call(None) == 401
        with pytest.raises(aiohttp.ClientError):
            await call(other.issue("reader"))
        assert await call(None, "DELETE", "/tokens/reader", headers=ADMIN) == 204
        assert await call(own) == 401
