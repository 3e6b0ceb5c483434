# SPDX-License-Identifier: Apache-2.0
"""Session tickets that every worker of a node takes, whichever of them has given them out.

A client that comes back shows the ticket of its last session (RFC 8446, 2.2; RFC 5077) and is
spared the certificate and its signature. OpenSSL makes the keys that tickets are sealed with for
each ``SSL_CTX``, so that of a node's workers, who share a port, only one could open a ticket.

OpenSSL takes a session up before it knows the server's name, and a client that takes one up is not
asked for a certificate. So sessions end when other names begin to ask: the keys depend on them.
"""

from __future__ import annotations

import ctypes
import hashlib
import ssl
from collections.abc import Iterable

from gateway.http.openssl import library, pointer_of

SIZE = 80
"""Bytes of OpenSSL's keys: a name of 16, 32 for the HMAC, 32 for AES."""
_SET_TICKET_KEYS = 59  # SSL_CTRL_SET_TLSEXT_TICKET_KEYS, openssl/ssl.h


def keys_for(secret: bytes, asking: Iterable[str]) -> bytes:
    """Return the keys for as long as clients are asked for certificates under these names."""
    return hashlib.shake_256(secret + "\0".join(sorted(asking)).encode()).digest(SIZE)


def use_ticket_keys(context: ssl.SSLContext, keys: bytes) -> bool:
    """Have sessions of a server's context sealed with these keys, which are ``SIZE`` bytes.

    Those that it has kept itself, of clients without tickets, are dropped. OpenSSL asks the context
    that the listener has, whichever one the SNI callback chooses. False where this build of Python
    does not let its OpenSSL be reached: each worker has its own then.
    """
    functions = library()
    if functions is None:
        return False
    handshake = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    pointer = pointer_of(handshake)
    if pointer is None:
        return False
    where = functions.SSL_get_SSL_CTX(pointer)
    if functions.SSL_CTX_ctrl(where, _SET_TICKET_KEYS, 0, None) != len(keys):
        return False
    functions.SSL_CTX_flush_sessions(ctypes.c_void_p(where), ctypes.c_long(0))
    text = ctypes.create_string_buffer(keys, len(keys))
    return bool(functions.SSL_CTX_ctrl(where, _SET_TICKET_KEYS, len(keys), text))
