# SPDX-License-Identifier: Apache-2.0
"""Asking a TLS client for its certificate, without refusing one that nobody has vouched for.

Whether a certificate is good enough is a route's question, and no route is known during the
handshake: a bad one must become a 401, and no certificate may be as good as any. Python's ``ssl``
cannot do that, since it ends a handshake whose certificate it cannot verify, and does not change
that choice for one server name. OpenSSL can (``SSL_set_verify``), so it is called here, the very
library that ``ssl`` uses. See docs/decisions/asking-for-client-certificates.md.
"""

from __future__ import annotations

import _ssl
import ctypes
import ssl
from collections.abc import Sequence
from typing import Any

from gateway.errors import GatewayError
from gateway.http.openssl import Verify, library, pointer_of

_VERIFY_PEER = 1
_NO_TICKET = 1 << 14


def _take_any(verified: int, chain: int | None) -> int:
    """Take any certificate; that the client has its key is checked all the same."""
    return 1


_take = Verify(_take_any)
"""Kept for as long as the process runs: OpenSSL calls it."""


def can_ask() -> bool:
    """Tell whether this build of Python lets clients be asked."""
    return library() is not None


def ask(tls: ssl.SSLObject | ssl.SSLSocket, authorities: Sequence[bytes]) -> None:
    """Ask for a certificate in a handshake that has just begun (from an SNI callback).

    ``authorities`` are certificates (DER) whose names the client is told. Raises ``GatewayError``
    where that cannot be done: the handshake fails then.
    """
    functions, pointer = library(), pointer_of(tls)
    if functions is None or pointer is None:
        raise GatewayError("this build of Python cannot ask for client certificates")
    functions.SSL_set_verify(pointer, _VERIFY_PEER, _take)
    # A session that is taken up again has lost the client's intermediate certificates.
    functions.SSL_set_num_tickets(pointer, ctypes.c_size_t(0))
    functions.SSL_set_options(pointer, ctypes.c_uint64(_NO_TICKET))
    for authority in authorities:
        text = ctypes.c_char_p(authority)
        certificate = functions.d2i_X509(None, ctypes.byref(text), ctypes.c_long(len(authority)))
        if certificate:
            functions.SSL_add_client_CA(pointer, ctypes.c_void_p(certificate))
            functions.X509_free(ctypes.c_void_p(certificate))


def client_chain(tls: Any) -> list[bytes]:
    """Return the certificates that a client sent, its own first (DER); ``tls``: its SSL object.

    None was checked.
    """
    if tls is None:
        return []
    # SSLObject has it from Python 3.13 on; before, only what stands behind it.
    chain = tls._sslobj.get_unverified_chain()
    return [found.public_bytes(_ssl.ENCODING_DER) for found in chain or () if found is not None]
