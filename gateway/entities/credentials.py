# SPDX-License-Identifier: Apache-2.0
"""Credentials: how consumers prove their identity."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, failed_condition, violation
from gateway.entities.types import ForeignKey, MayBeEmpty, is_reference
from gateway.settings.compatibility import is_newer

_LETTERS = string.ascii_letters + string.digits

SECRETS = ("key", "password", "secret")
"""Unique or required fields of credentials that errors must not show."""

_MARKED = re.compile(r"\{sha1\}([0-9a-f]{40})|\{sha256\}([0-9a-f]{64})")
"""In documents, a basic-auth password that is hashed already."""
_SHA256_DIGITS = 64
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def random_token() -> str:
    """Return 32 random letters and digits, as Kong makes up keys."""
    return "".join(secrets.choice(_LETTERS) for _ in range(32))


class ConsumerCredential(Entity):
    """What all credentials have: the consumer they belong to."""

    consumer: Annotated[ForeignKey, Hint(reference="consumers")] = Field(
        description="The consumer that the credential belongs to."
    )


class KeyAuthCredential(ConsumerCredential):
    """An API key."""

    key: Annotated[str, Hint(unique=True, auto=True, referenceable=True, encrypted=True)] = Field(
        default_factory=random_token,
        description="The API key that requests show; made up when it is not given.",
    )
    ttl: Annotated[int, Field(ge=0, le=100000000)] | None = Field(
        default=None, description="After how many seconds the key expires."
    )


class BasicAuthCredential(ConsumerCredential):
    """A user name and a password."""

    username: Annotated[str, Hint(unique=True)] = Field(
        description="The unique user name that requests show."
    )
    password: Annotated[str, Hint(referenceable=True, encrypted=True)] = Field(
        description="The password; it is stored as a hash."
    )


class JwtSecret(ConsumerCredential):
    """A key that signs JSON Web Tokens."""

    key: Annotated[str, Hint(unique=True, auto=True)] = Field(
        default_factory=random_token,
        description="The unique value of the token's key claim, by which the secret is found.",
    )
    secret: Annotated[MayBeEmpty, Hint(auto=True, referenceable=True, encrypted=True)] = Field(
        default_factory=random_token,
        description="The secret that signs tokens with an HS algorithm; made up when not given.",
    )
    rsa_public_key: str | None = Field(
        default=None, description="The PEM public key for all other algorithms."
    )
    algorithm: Literal[
        "HS256",
        "HS384",
        "HS512",
        "RS256",
        "RS384",
        "RS512",
        "ES256",
        "ES384",
        "ES512",
        "PS256",
        "PS384",
        "PS512",
        "EdDSA",
    ] = Field(default="HS256", description="The algorithm that signs the tokens.")

    @model_validator(mode="after")
    def _check_key(self) -> JwtSecret:
        if self.algorithm.startswith("HS") and not self.secret:
            # Anybody could sign with it. Beside a public key it says that there is none.
            raise violation([], {"secret": "length must be at least 1"})
        if not self.algorithm.startswith("HS") and self.rsa_public_key is None:
            missing = {"rsa_public_key": "required field missing"}
            raise violation([failed_condition("algorithm")], missing)
        # Kong does not look at keys of elliptic curves, and takes any it has no use for.
        if self.rsa_public_key and self.algorithm.startswith(("RS", "PS", "EdDSA")):
            _check_public_key(self.rsa_public_key)
        return self


def _check_public_key(text: str) -> None:
    # Only where there are keys: docs/decisions/imports-inside-functions.md
    from gateway.entities.pem import check_public_key

    problem = "" if is_reference(text) else check_public_key(text)
    if problem:
        raise violation([failed_condition("algorithm")], {"rsa_public_key": problem})


class Acl(ConsumerCredential):
    """A group that a consumer is in."""

    group: str = Field(description="The name of the group.")


class HmacAuthCredential(ConsumerCredential):
    """A user name and a secret that signs requests."""

    username: Annotated[str, Hint(unique=True)] = Field(
        description="The unique user name that requests show."
    )
    secret: Annotated[str, Hint(auto=True, referenceable=True, encrypted=True)] = Field(
        default_factory=random_token,
        description="The secret that signs requests; made up when it is not given.",
    )


class MtlsAuthCredential(ConsumerCredential):
    """The subject of a client certificate."""

    subject_name: str = Field(
        description="The name that the certificate is for: a subject alternative name, or its "
        "common name where it has none."
    )
    ca_certificate: Annotated[ForeignKey, Hint(reference="ca_certificates")] | None = Field(
        default=None,
        description="The authority that must have signed the certificate; without it any that "
        "the plugin trusts.",
    )


class OAuth2Credential(ConsumerCredential):
    """A client application that fetches OAuth 2 tokens."""

    name: str = Field(description="The name of the application.")
    client_id: Annotated[str, Hint(unique=True, auto=True)] = Field(
        default_factory=random_token, description="The application's unique client id."
    )
    client_secret: Annotated[str, Hint(auto=True, referenceable=True, encrypted=True)] = Field(
        default_factory=random_token,
        description="The application's secret; made up when it is not given.",
    )
    hash_secret: bool = Field(default=False, description="Whether the secret is stored as a hash.")
    redirect_uris: Annotated[list[str], Hint(set=True)] | None = Field(
        default=None, description="The URLs that users may be sent back to."
    )
    client_type: Literal["confidential", "public"] = Field(
        default="confidential", description="Whether the application can keep a secret."
    )


def _credential(
    collection: str,
    model: type[ConsumerCredential],
    key_field: str | None,
    unique: tuple[tuple[str, ...], ...],
    made_up: tuple[str, ...] = (),
    foreign: Mapping[str, str] | None = None,
) -> EntityType:
    return EntityType(
        collection,
        collection.removesuffix("s"),
        model,
        # A URL may hold a credential's public field, and Kong also takes an API key there.
        endpoint_key=unique[0][0] if len(unique[0]) == 1 else None,
        foreign={"consumer": "consumers", **(foreign or {})},
        unique=unique,
        key_field=key_field,
        parents=("consumer",),
        cascade=frozenset({"consumer"}),
        made_up=made_up,
    )


CREDENTIALS = (
    _credential("keyauth_credentials", KeyAuthCredential, None, (("key",),), ("key",)),
    _credential("basicauth_credentials", BasicAuthCredential, "username", (("username",),)),
    _credential("jwt_secrets", JwtSecret, "key", (("key",),), ("secret",)),
    _credential("acls", Acl, "group", (("consumer", "group"),)),
    _credential(
        "hmacauth_credentials", HmacAuthCredential, "username", (("username",),), ("secret",)
    ),
    _credential(
        "mtls_auth_credentials",
        MtlsAuthCredential,
        "subject_name",
        (("subject_name", "ca_certificate"),),
        foreign={"ca_certificate": "ca_certificates"},
    ),
    _credential(
        "oauth2_credentials",
        OAuth2Credential,
        "name",
        (("client_id",),),
        ("client_id", "client_secret"),
    ),
)


def unused_secrets(collection: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the made-up fields that mean nothing for this credential: nobody has to give them.

    The secret of a JWT credential signs with HS algorithms only; with all others a public key
    verifies.
    """
    if collection != "jwt_secrets":
        return ()
    return () if str(data.get("algorithm") or "HS256").startswith("HS") else ("secret",)


def hash_password(password: str, consumer_id: str) -> str:
    """Return a basic-auth password as it is stored: a hash of password and consumer id, in hex.

    SHA-1, and SHA-256 with compatibility version 3.14: what Kong's data planes read as well.
    """
    return _hash("sha256" if is_newer() else "sha1", password, consumer_id)


def password_matches(password: str, consumer_id: str, stored: str) -> bool:
    """Tell, in constant time, whether a stored basic-auth password is this one, in either form."""
    algorithm = "sha256" if len(stored) == _SHA256_DIGITS else "sha1"
    shown = _hash(algorithm, password, consumer_id)
    return hmac.compare_digest(shown.encode(), stored.encode())


def _hash(algorithm: str, password: str, consumer_id: str) -> str:
    text = (password + consumer_id).encode(errors="surrogatepass")
    return hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()


def store_secret(collection: str, row: dict[str, Any]) -> None:
    """Replace the password of a basic-auth row, as the user gave it, by what is stored.

    Vault references stay: only data planes know what they stand for.
    """
    password = row.get("password")
    if collection != "basicauth_credentials" or not isinstance(password, str):
        return
    marked = _MARKED.fullmatch(password)
    if marked is not None:
        row["password"] = marked[1] or marked[2]
    elif not is_reference(password):
        row["password"] = hash_password(password, str(row.get("consumer")))


def mark_hashed(collection: str, body: dict[str, Any]) -> None:
    """Mark a basic-auth password that is a hash, from a file that says that its passwords are."""
    password = body.get("password")
    if isinstance(password, str) and _HASH.fullmatch(password):
        show_secret(collection, body)


def show_secret(collection: str, body: dict[str, Any]) -> None:
    """Undo ``store_secret`` for a document: mark a hash as one."""
    password = body.get("password")
    if (
        collection == "basicauth_credentials"
        and isinstance(password, str)
        and not is_reference(password)
    ):
        algorithm = "sha256" if len(password) == _SHA256_DIGITS else "sha1"
        body["password"] = f"{{{algorithm}}}{password}"
