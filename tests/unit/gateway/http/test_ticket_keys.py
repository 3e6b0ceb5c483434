# SPDX-License-Identifier: Apache-2.0
"""Sessions that clients take up again with another worker."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress

import pytest

from gateway.http.ticket_keys import SIZE, use_ticket_keys
from gateway.http.tls import Certificates
from tests.support.authority import Authority, client_context

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("one.test", server=True)
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def certificates(keys: bytes = b"", *names: str) -> Certificates:
    """Return what a worker's listeners have, with a certificate of its own for each name."""
    made = Certificates((PAIR.certificate, PAIR.key), keys)
    pairs = [(name, AUTHORITY.issue(name, server=True)) for name in names]
    rows = [{"id": name, "cert": pair.certificate, "key": pair.key} for name, pair in pairs]
    made.swap(made.prepare(rows, [{"name": name, "certificate": name} for name in names]))
    return made


def client(version: ssl.TLSVersion) -> ssl.SSLContext:
    made = client_context(AUTHORITY.pem, None)
    made.minimum_version = made.maximum_version = version
    return made


def handshake(
    server: Certificates, context: ssl.SSLContext, session: ssl.SSLSession | None, name: str
) -> tuple[ssl.SSLSession | None, bool]:
    """Connect in memory; return the client's session, and whether the one given was taken up."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.context.wrap_bio(to_server, to_client, server_side=True)
    theirs = context.wrap_bio(to_client, to_server, server_hostname=name, session=session)
    sides = [theirs, ours]
    while sides:
        side = sides.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            sides.append(side)
    # Tickets of TLS 1.3 come after the handshake.
    ours.write(b"x")
    assert theirs.read() == b"x"
    # OpenSSL keeps no session that was not ended.
    for side in (theirs, ours):
        with suppress(ssl.SSLWantReadError):
            side.unwrap()
    return theirs.session, bool(theirs.session_reused)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["one.test", "two.test"])
def test_a_session_of_one_worker_is_taken_up_by_another(version: ssl.TLSVersion, name: str) -> None:
    keys, context = os.urandom(SIZE), client(version)
    session, reused = handshake(certificates(keys, "two.test"), context, None, name)
    assert not reused
    for _ in range(2):
        session, reused = handshake(certificates(keys, "two.test"), context, session, name)
        assert reused


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_of_another_node_is_begun_anew(version: ssl.TLSVersion) -> None:
    context = client(version)
    for other in (b"", os.urandom(SIZE)):
        mine = certificates(os.urandom(SIZE))
        session, _ = handshake(mine, context, None, "one.test")
        _, reused = handshake(certificates(other), context, session, "one.test")
        assert not reused
        _, reused = handshake(mine, context, session, "one.test")
        assert reused


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tickets", [True, False])
@pytest.mark.parametrize("keys", [b"", bytes(SIZE)], ids=["own", "given"])
def test_a_client_that_was_not_asked_for_a_certificate_yet_takes_up_no_session(
    version: ssl.TLSVersion, tickets: bool, keys: bytes
) -> None:
    """It would be asked never more: OpenSSL asks in a whole handshake alone."""
    server, context = certificates(keys), client(version)
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    session, _ = handshake(server, context, None, "one.test")
    server.swap(server.prepare([], [], {"other.test": []}))
    _, reused = handshake(server, context, session, "one.test")
    assert not reused
    session, _ = handshake(server, context, None, "one.test")
    server.swap(server.prepare([], [], {"other.test": [b"another authority"]}))
    _, reused = handshake(server, context, session, "one.test")
    assert reused, "the same names ask"
    server.swap(server.prepare([], [], {"other.test": [], "one.test": []}))
    _, reused = handshake(server, context, session, "one.test")
    assert not reused


def test_workers_with_the_same_configuration_have_the_same_keys() -> None:
    keys, context = os.urandom(SIZE), client(ssl.TLSVersion.TLSv1_3)
    workers = [certificates(keys), certificates(keys)]
    for worker, names in zip(workers, (("a", "b"), ("b", "a")), strict=True):
        worker.swap(worker.prepare([], [], {name: [] for name in names}))
    session, _ = handshake(workers[0], context, None, "one.test")
    assert handshake(workers[1], context, session, "one.test")[1]


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE + 1])
def test_keys_of_another_size_are_not_taken(size: int) -> None:
    assert not use_ticket_keys(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), bytes(size))
