# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``mtls-auth``: is the client's certificate good, and whose is it?"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from hashlib import sha256
from time import time
from typing import Any

from gateway.errors import ReleaseRefused
from gateway.http.messages import Request
from gateway.plugins.authentication import AuthenticationHandler, Denial, Found
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Identity, identified, virtual
from gateway.plugins.mtls_auth.verification import CertificateVerifier, GoodCertificate

_NONE = Denial(
    "No required TLS certificate was sent", "the client showed no certificate", absent=True
)
_FAILED = "TLS certificate failed verification"
_NOBODY = Denial(_FAILED, "no consumer has a name of the certificate")
_KEPT = 1000
"""Certificates whose verdict is at hand."""


class MtlsAuth(AuthenticationHandler):
    """Checks against the authorities of its own settings, whatever other plugins trust.

    Raises ``ReleaseRefused`` when an authority or the default consumer is not there.
    """

    name = "mtls-auth"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._consumers = context.consumers
        self._authorities = {id_: context.authority(id_) for id_ in config.ca_certificates}
        missing = [id_ for id_, text in self._authorities.items() if text is None]
        if missing:
            raise ReleaseRefused(
                [f"mtls-auth: there is no ca_certificate {id_}" for id_ in missing]
            )
        texts = [text for text in self._authorities.values() if text is not None]
        self._verifier = CertificateVerifier(texts, config.allow_partial_chain)
        self._default: Identity | None = None
        if config.default_consumer is not None:
            found = context.consumers.find(config.default_consumer, "id", "username")
            if found is None:
                text = f"mtls-auth: there is no consumer {config.default_consumer!r}"
                raise ReleaseRefused([text])
            self._default = virtual(found["id"], found)
        self._credentials = self._by_subject()
        self._verdicts: dict[bytes, tuple[Found, float]] = {}
        self._lasts = config.cert_cache_ttl / 1000

    def authenticate(self, request: Request) -> Found:
        """Return whose certificate it is, and note for log entries whether it is good."""
        found = self._judge(request)
        if found is not _NONE:
            request.client_verify = "SUCCESS"
            if isinstance(found, Denial) and found is not _NOBODY:
                request.client_verify = f"FAILED:{found.reason}"
        return found

    def _judge(self, request: Request) -> Found:
        shown = request.connection.client_certificate
        if shown is None:
            return _NONE
        now = time()
        # What came with the certificate counts for one that is refused: next time it may be there.
        known = self._verdicts.get(shown)
        if known is not None and known[1] > now:
            return known[0]
        chain = list(request.connection.client_chain) or [shown]
        whole = sha256(b"".join(chain)).digest()
        known = self._verdicts.get(whole)
        if known is not None and known[1] > now:
            return known[0]
        verified = self._verifier.verify(chain, now)
        if isinstance(verified, str):
            return self._keep(whole, Denial(_FAILED, verified), now + self._lasts)
        until = min(now + self._lasts, verified.expires)
        return self._keep(shown, self._identify(verified), until)

    def _keep(self, key: bytes, found: Found, until: float) -> Found:
        if len(self._verdicts) >= _KEPT:
            self._verdicts = {}
        self._verdicts[key] = found, until
        return found

    def _identify(self, verified: GoodCertificate) -> Found:
        """Return who a good certificate is of: by credentials first, then by a consumer's name."""
        if self.config.skip_consumer_lookup:
            by_name = self.config.authenticated_group_by == "CN"
            group = verified.common_name if by_name else verified.distinguished_name
            return virtual(verified.distinguished_name, groups=(group,) if group else ())
        signers: Iterable[str | None] = [*self._signers(verified), None]
        for signer in signers:
            for name in verified.names:
                found = self._credentials.get((name, signer))
                if found is not None:
                    return found
        for name in verified.names:
            consumer = self._consumers.find(name, *self.config.consumer_by)
            if consumer is not None:
                return virtual(name, consumer)
        return self._default or _NOBODY

    def _signers(self, verified: GoodCertificate) -> list[str]:
        """Return the ids of the plugin's authorities that the certificate comes from."""
        chain = set(verified.chain[1:])
        return [
            id_
            for id_, text in self._authorities.items()
            if text is not None and ssl.PEM_cert_to_DER_cert(text) in chain
        ]

    def _by_subject(self) -> dict[tuple[str, str | None], Identity]:
        found = {}
        for row in self._consumers.credential_rows("mtls_auth_credentials"):
            consumer = self._consumers.find(row["consumer"], "id")
            if consumer is not None:
                key = row["subject_name"], row.get("ca_certificate")
                found[key] = identified(consumer, row, row["id"])
        return found
