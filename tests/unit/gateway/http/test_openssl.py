# SPDX-License-Identifier: Apache-2.0
"""Reaching OpenSSL behind Python's ``ssl``."""

from __future__ import annotations

import ssl
from types import SimpleNamespace

from gateway.http.openssl import library, pointer_of


def test_the_pointer_is_that_of_the_connection() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    other = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    (one, another) = (pointer_of(made), pointer_of(other))
    assert one is not None
    assert another is not None
    assert one.value != another.value
    # Both are of one SSL_CTX.
    functions = library()
    assert functions.SSL_get_SSL_CTX(one) == functions.SSL_get_SSL_CTX(another)


def test_an_object_of_another_layout_has_no_pointer() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # As large as the real one, and nothing in it is where it is looked for.
    inner = SimpleNamespace(context=context, one=1, two=2, three=3)
    assert pointer_of(SimpleNamespace(_sslobj=inner)) is None
