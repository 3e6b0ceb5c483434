# SPDX-License-Identifier: Apache-2.0
"""The OpenSSL that Python's ``ssl`` is linked with, for what ``ssl`` does not offer.

See docs/decisions/asking-for-client-certificates.md.
"""

from __future__ import annotations

import _ssl
import ctypes
from functools import cache
from typing import Any

_POINTER = ctypes.sizeof(ctypes.c_void_p)
_SSL_AT = 3 * _POINTER
"""Of ``PySSLSocket``: reference count, type, ``Socket``, then ``SSL *ssl`` and ``ctx``."""
_CONTEXT_AT = 4 * _POINTER

Verify = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
"""``SSL_verify_cb``: whether the certificate was verified, and its chain; 1 takes it."""


def pointer_of(tls: Any) -> ctypes.c_void_p | None:
    """Return OpenSSL's ``SSL *`` behind an ``SSLObject`` or ``SSLSocket``.

    None where the object is not laid out as it is known to be.
    """
    inner = tls._sslobj
    context = ctypes.c_void_p.from_address(id(inner) + _CONTEXT_AT).value
    if context != id(inner.context):
        return None
    return ctypes.c_void_p(ctypes.c_void_p.from_address(id(inner) + _SSL_AT).value)


@cache
def library() -> Any:
    """Return its functions, None where this Python hides them (one that is linked statically)."""
    try:
        found = ctypes.CDLL(_ssl.__file__)
        found.SSL_set_verify.argtypes = [ctypes.c_void_p, ctypes.c_int, Verify]
        found.SSL_set_options.restype = ctypes.c_uint64
        found.d2i_X509.restype = ctypes.c_void_p
        found.SSL_get_SSL_CTX.restype = ctypes.c_void_p
        found.SSL_CTX_ctrl.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_void_p,
        ]
        found.SSL_CTX_ctrl.restype = ctypes.c_long
        for name in (
            "SSL_set_num_tickets",
            "SSL_add_client_CA",
            "SSL_CTX_flush_sessions",
            "X509_free",
        ):
            getattr(found, name)
    except (AttributeError, OSError):
        return None
    return found
