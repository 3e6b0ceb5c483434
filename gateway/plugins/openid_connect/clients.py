# SPDX-License-Identifier: Apache-2.0
"""As which client the provider's endpoints are asked, and how the client proves itself there.

OpenID Connect Core 1.0 section 9, and RFC 8705 for certificates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

from gateway.errors import OutgoingError, ReleaseRefused
from gateway.http import arguments
from gateway.http.messages import Request
from gateway.kafka.tokens import client_basic
from gateway.outgoing.client import Pairs

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE = 60
_BY_CERTIFICATE = ("tls_client_auth", "self_signed_tls_client_auth")


class Proof(NamedTuple):
    """What a request of an endpoint carries besides what it asks."""

    headers: Pairs = ()
    form: Pairs = ()
    certificate: tuple[str, str] | None = None


@dataclass(frozen=True)
class OpenIdClient:
    """A client that the provider knows."""

    id: str
    secret: str = field(default="", repr=False)
    method: str = "client_secret_basic"
    algorithm: str | None = None
    # It has no hash; what is asked about is looked up by one. Equal clients have equal keys.
    jwk: dict[str, Any] | None = field(default=None, repr=False, hash=False)

    def proof(self, url: str, method: str | None, certificate: tuple[str, str] | None) -> Proof:
        """Return what proves the client at an endpoint; raises ``OutgoingError``."""
        method = method or self.method
        named = (("client_id", self.id),)
        if method == "client_secret_basic":
            return Proof((("Authorization", client_basic(self.id, self.secret)),))
        if method == "client_secret_post":
            return Proof(form=(*named, ("client_secret", self.secret)))
        if method in ("client_secret_jwt", "private_key_jwt"):
            assertion = self._assertion(url, method == "private_key_jwt")
            proof = (("client_assertion_type", _ASSERTION), ("client_assertion", assertion))
            return Proof(form=(*named, *proof))
        return Proof(form=named, certificate=certificate if method in _BY_CERTIFICATE else None)

    def _assertion(self, url: str, private: bool) -> str:
        from joserfc import jwk, jwt
        from joserfc.errors import JoseError

        if private and self.jwk is None:
            raise OutgoingError(f"client {self.id} has no client_jwk for private_key_jwt")
        now = int(time())
        claims: dict[str, Any] = {"iss": self.id, "sub": self.id, "aud": url, "jti": str(uuid4())}
        claims |= {"iat": now, "exp": now + _ASSERTION_LIFE}
        try:
            key: Any = jwk.import_key(self.jwk) if self.jwk and private else None
            algorithm = self.algorithm or (self.jwk or {}).get("alg")
            algorithm = algorithm or ("RS256" if private else "HS256")
            header = {"alg": algorithm, "typ": "JWT"}
            if key is None:
                key = jwk.OctKey.import_key(self.secret.encode())
            elif key.kid:
                header["kid"] = key.kid
            with warnings.catch_warnings():
                # EdDSA is what providers call it, whatever RFC 9864 says of the name.
                warnings.simplefilter("ignore")
                return jwt.encode(header, claims, key, [algorithm])
        except (JoseError, ValueError, TypeError):
            raise OutgoingError(f"client {self.id} cannot sign: look at its key") from None


class Clients:
    """The configured clients; ``choose`` takes the one that a request names, else the first."""

    def __init__(self, config: Any, certificate: Callable[[str], tuple[str, str] | None]) -> None:
        self._argument = config.client_arg.encode()
        self._header = config.client_arg.lower().replace("_", "-").encode()
        self.all = [_client(config, number) for number in range(len(config.client_id or ()))]
        self.verifies: bool = config.tls_client_auth_ssl_verify
        """Whether the provider is verified where a certificate is shown."""
        self.certificate: tuple[str, str] | None = None
        if config.tls_client_auth_cert_id:
            self.certificate = certificate(config.tls_client_auth_cert_id)
            if self.certificate is None:
                missing = config.tls_client_auth_cert_id
                raise ReleaseRefused([f"openid-connect: certificate {missing} is not there"])

    def choose(self, request: Request) -> OpenIdClient | None:
        """Return the client for a request; None where none is configured."""
        if len(self.all) < 2:
            return self.all[0] if self.all else None
        named = request.header(self._header)
        if named is None and request.query:
            named = arguments.first(request.query, self._argument)
        wanted = "" if named is None else named.decode("utf-8", "replace")
        for number, client in enumerate(self.all, 1):
            if wanted in (client.id, str(number)):
                return client
        return self.all[0]


def _client(config: Any, number: int) -> OpenIdClient:
    def of(values: list[Any] | None, default: Any) -> Any:
        return values[number] if values and number < len(values) else default

    secret = of(config.client_secret, "")
    jwk = of(config.client_jwk, None)
    usual = "client_secret_basic" if secret or jwk is None else "private_key_jwt"
    if jwk is not None:
        jwk = jwk.model_dump(exclude_none=True, exclude={"issuer"})
    return OpenIdClient(
        config.client_id[number],
        secret,
        of(config.client_auth, usual),
        of(config.client_alg, None),
        jwk,
    )
