# SPDX-License-Identifier: Apache-2.0
"""Vaults and key material: entities that other systems' files may hold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, StrictModel, violation
from gateway.entities.types import ForeignKey, Name


class Vault(Entity):
    """A place secrets come from, under a prefix of its own."""

    prefix: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z0-9-]*[a-z0-9]$"),
        Hint(unique=True, message="expected lower-case letters, digits and hyphens"),
    ] = Field(description="The unique word that stands for the vault in references.")
    name: str = Field(
        description="The kind of vault: `env`, `file`, `hcv` or `aws`. Others may be in a file; "
        "references to them do not resolve."
    )
    description: str | None = Field(default=None, description="What the vault is for.")
    config: dict[str, Any] | None = Field(
        default=None, description="The vault's own settings, those of its kind."
    )


class KeySet(Entity):
    """A set of keys."""

    name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="The set's unique name."
    )


class Pem(StrictModel):
    """A key pair as PEM texts."""

    private_key: Annotated[str, Hint(referenceable=True, encrypted=True)] | None = Field(
        default=None, description="The private key as PEM text."
    )
    public_key: Annotated[str, Hint(referenceable=True)] | None = Field(
        default=None, description="The public key as PEM text."
    )


class Key(Entity):
    """A public or private key, as JWK or PEM."""

    name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="The key's unique name."
    )
    kid: str = Field(description="The key id by which tokens refer to the key.")
    set: Annotated[ForeignKey, Hint(reference="key_sets")] | None = Field(
        default=None, description="The set that the key is in."
    )
    jwk: Annotated[str, Hint(referenceable=True, encrypted=True)] | None = Field(
        default=None, description="The key as JSON text in JWK format."
    )
    pem: Pem | None = Field(default=None, description="The key as a pair of PEM texts.")

    @model_validator(mode="after")
    def _check_form(self) -> Key:
        if (self.jwk is None) == (self.pem is None):
            raise violation(["exactly one of these fields must be set: 'jwk', 'pem'"])
        return self


VAULTS = EntityType(
    "vaults",
    "vault",
    Vault,
    endpoint_key="prefix",
    unique=(("prefix",),),
    key_field="prefix",
)
KEY_SETS = EntityType(
    "key_sets", "key_set", KeySet, endpoint_key="name", unique=(("name",),), key_field="name"
)
KEYS = EntityType(
    "keys",
    "key",
    Key,
    endpoint_key="name",
    foreign={"set": "key_sets"},
    unique=(("name",), ("kid", "set")),
    key_field="name",
    cascade=frozenset({"set"}),
)
