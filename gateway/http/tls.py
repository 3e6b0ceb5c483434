# SPDX-License-Identifier: Apache-2.0
"""TLS for listeners: which certificate a client gets by its SNI, swapped while connections live."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from gateway.errors import ReleaseRefused
from gateway.http.client_certificates import ask, can_ask
from gateway.http.ticket_keys import SIZE, keys_for, use_ticket_keys
from gateway.pem import load_chain

Pair = tuple[str, str]
"""Certificate chain PEM and key PEM."""
CertificateRequests = Mapping[str, Sequence[bytes]]
"""Server name, lower-case and perhaps with a wildcard, to the certificates (DER) of the authorities
that a handshake for it names when it asks for the client's; ``*`` stands for all, and for none."""

T = TypeVar("T")


class TlsChoices(NamedTuple):
    """What a handshake for a server name is given."""

    contexts: Mapping[str, ssl.SSLContext] = {}
    """Lower-case SNI pattern to context."""
    requests: CertificateRequests = {}


class Certificates:
    """``context`` goes to every https listener; ``swap`` changes what it hands out.

    A new configuration is prepared first, which may fail, and swapped in later, which cannot.
    ``ticket_keys``, of all the node's workers, are what the keys are made of that clients' sessions
    are sealed with; without them those are known to this object alone.
    """

    def __init__(self, default: Pair, ticket_keys: bytes = b"") -> None:
        self.context = _context([default])
        self._ticket_keys = ticket_keys or os.urandom(SIZE)
        use_ticket_keys(self.context, keys_for(self._ticket_keys, ()))
        self.context.sni_callback = self._choose
        self._choices = TlsChoices()
        self._made: dict[tuple[Pair, ...], ssl.SSLContext] = {}

    def prepare(
        self,
        certificates: Iterable[Mapping[str, Any]],
        snis: Iterable[Mapping[str, Any]],
        requests: CertificateRequests | None = None,
    ) -> TlsChoices:
        """Compile flat rows of the two collections; raises ``ReleaseRefused`` naming all problems.

        ``requests`` says where clients are asked for a certificate of theirs. A certificate of ours
        that did not change keeps its context, and with it the clients' sessions.
        """
        made: dict[tuple[Pair, ...], ssl.SSLContext] = {}
        by_id: dict[str, ssl.SSLContext] = {}
        problems = []
        for row in certificates:
            pairs = _pairs(row)
            try:
                by_id[row["id"]] = made[pairs] = self._made.get(pairs) or _context(pairs)
            except (ssl.SSLError, ValueError) as error:
                problems.append(f"certificate {row['id']} cannot be used: {error}")
        contexts = {}
        for row in snis:
            context = by_id.get(row["certificate"])
            if context is not None:
                contexts[_normal(row["name"])] = context
            elif not problems:
                missing = row["certificate"]
                problems.append(f"sni {row['name']}: certificate {missing} is not there")
        if requests and not can_ask():
            problems.append("this build of Python cannot ask clients for their certificates")
        if problems:
            raise ReleaseRefused(problems)
        self._made = made
        return TlsChoices(contexts, requests or {})

    def swap(self, choices: TlsChoices) -> None:
        """Use these from the next handshake on."""
        asking = choices.requests.keys()
        if asking != self._choices.requests.keys():
            use_ticket_keys(self.context, keys_for(self._ticket_keys, asking))
        self._choices = choices

    def find(self, name: str) -> ssl.SSLContext | None:
        """Return the context for a server name: exact, then wildcards, then ``*``."""
        return _find(self._choices.contexts, _normal(name))

    def _choose(
        self, tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> None:
        requests = self._choices.requests
        if requests:
            named = requests.get("*") if name is None else _find(requests, _normal(name))
            if named is not None:
                ask(tls, named)
        if name is None:
            return
        # Read by HttpProtocol: routes may ask for the SNI.
        tls.sni = _normal(name)  # type: ignore[union-attr]  # SSLObject takes attributes
        context = self.find(name)
        if context is not None:
            tls.context = context


def _find(patterns: Mapping[str, T], name: str) -> T | None:
    """Return what belongs to a server name: exact, then wildcards, then ``*``."""
    if not patterns:
        return None
    _, _, parent = name.partition(".")
    first, _, _ = name.rpartition(".")
    keys = (name, f"*.{parent}", f"{first}.*", "*")
    return next((patterns[key] for key in keys if key in patterns), None)


def self_signed(name: str = "localhost", days: int = 365 * 5) -> Pair:
    """Make a certificate for listeners that were given none: good for encryption, not for trust."""
    # Imported here: only a listener without a certificate needs this large library.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


def _context(pairs: Iterable[Pair]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for certificate, key in pairs:
        load_chain(context, certificate, key)
    return context


def _pairs(row: Mapping[str, Any]) -> tuple[Pair, ...]:
    pairs = [(row["cert"], row["key"])]
    if row.get("cert_alt"):
        # A second key type (ECDSA beside RSA): OpenSSL picks by what the client can do.
        pairs.append((row["cert_alt"], row["key_alt"]))
    return tuple(pairs)


def _normal(name: str) -> str:
    return name.lower().removesuffix(".")
