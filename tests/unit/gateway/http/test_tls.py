# SPDX-License-Identifier: Apache-2.0
"""The certificates of listeners."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from gateway.errors import ReleaseRefused
from gateway.http.tls import Certificates, self_signed
from tests.support.authority import Authority, client_context
from tests.support.http import App, get, serving


async def test_the_certificate_follows_the_sni_and_can_be_swapped_while_serving() -> None:
    authority = Authority()
    certificates = Certificates(self_signed())

    def rows(*names: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        pairs = [(name, authority.issue(name.replace("*", "x"), server=True)) for name in names]
        rows = [{"id": n, "cert": p.certificate, "key": p.key} for n, p in pairs]
        return rows, [{"name": n, "certificate": n} for n in names]

    client = client_context(authority.pem, None)
    app = App()
    async with serving(app, tls=certificates.context) as running:
        with pytest.raises(ssl.SSLCertVerificationError):
            await running.connect(client, "one.test")
        certificates.swap(certificates.prepare(*rows("one.test", "*.two.test")))
        first = await running.connect(client, "one.test")
        assert (await first.ask(get())).status == 200
        assert app.seen[0].connection.sni == "one.test"
        assert app.seen[0].connection.scheme == "https"
        second = await running.connect(client, "x.two.test")
        assert (await second.ask(get())).status == 200
        certificates.swap(certificates.prepare([], []))
        with pytest.raises(ssl.SSLCertVerificationError):
            await running.connect(client, "one.test")
        assert (await first.ask(get())).status == 200


def test_certificates_that_cannot_be_used_are_refused_by_name() -> None:
    certificates = Certificates(self_signed())
    row = {"id": "c-1", "cert": "nonsense", "key": "nonsense"}
    with pytest.raises(ReleaseRefused, match="c-1"):
        certificates.prepare([row], [])
    with pytest.raises(ReleaseRefused, match="c-2"):
        certificates.prepare([], [{"name": "a", "certificate": "c-2"}])
