# SPDX-License-Identifier: Apache-2.0
"""A TLS handshake in memory, between a client's settings and a server's."""

from __future__ import annotations

import ssl

from gateway.pem import load_chain


def shake_hands(client: ssl.SSLContext, certificate: str, key: str, name: str) -> None:
    """Connect a client to a server of ``name`` with this certificate, both PEM text.

    Raises ``ssl.SSLCertVerificationError`` where the client refuses it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, certificate, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        context.wrap_bio(to_server, to_client, server_side=True),
    ]
    # Three flights, each written by an end when the other has had its turn.
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert ends[0].version()
    ends[0].do_handshake()
