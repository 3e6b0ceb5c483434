# SPDX-License-Identifier: Apache-2.0
"""The kinds of vaults and their settings, as Kong has them (its page "Vaults", 3.4 to 3.15).

``file`` is ours. A vault of another kind may stand in a file; references to it do not resolve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gateway.entities.base import Hint, StrictModel, violation
from gateway.entities.types import ConnectHost, HttpUrl, Port

Seconds = Annotated[float, Field(ge=0)]
_FOREVER = 100_000_000.0
"""Kong's default of ``resurrect_ttl``: three years."""


_SECRET = Hint(referenceable=True, encrypted=True)


def _unused(method: str) -> Any:
    return Field(
        default=None, description=f"For the method `{method}`, which is not served: without effect."
    )


class DecodingVault(StrictModel):
    """What all vaults have.

    Another Kong, whose releases a data plane takes, fills in every field of its own kind: those
    that are null there, and unknown here, are no mistakes.
    """

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            return {name: value for name, value in data.items() if value is not None}
        return data

    base64_decode: bool = Field(
        default=False, description="Whether secrets are stored as Base64 and have to be decoded."
    )


class CachedVault(DecodingVault):
    """What vaults have whose secrets are kept for some time."""

    ttl: Seconds | None = Field(
        default=None,
        description="After how many seconds a secret is fetched again; 0 or nothing: only when the "
        "vault says how long it is good for.",
    )
    neg_ttl: Seconds | None = Field(
        default=None,
        description="How many seconds it holds that a secret cannot be had; 0 or nothing: it is "
        "asked for each time.",
    )
    resurrect_ttl: Seconds | None = Field(
        default=_FOREVER,
        description="How many seconds more an old secret is used while no new one can be had.",
    )


class EnvVault(DecodingVault):
    """Environment variables of the data plane."""

    prefix: str | None = Field(
        default=None, description="What the names of the variables begin with."
    )


class FileVault(DecodingVault):
    """Files in a folder of the data plane, such as a secret that Kubernetes mounts."""

    root: str = Field(
        default="/run/secrets",
        description="The folder; one of the setting `vault_folders`, or below it.",
    )
    ttl: Seconds = Field(
        default=10.0, description="After how many seconds a file is read again; 0: never."
    )
    neg_ttl: Seconds | None = Field(
        default=None, description="How many seconds it holds that there is no such file."
    )
    resurrect_ttl: Seconds | None = Field(
        default=_FOREVER,
        description="How many seconds more an old value is used when the file cannot be read.",
    )


class HashicorpVault(CachedVault):
    """HashiCorp Vault, or what speaks its HTTP API; secrets engine KV of version 1 or 2."""

    protocol: Literal["http", "https"] = Field(
        default="http", description="How the vault is connected to."
    )
    host: ConnectHost = Field(default="127.0.0.1", description="The vault's host.")
    port: Port = Field(default=8200, description="The vault's port.")
    mount: str = Field(
        default="secret", description="The path where the secrets engine is mounted."
    )
    kv: Literal["v1", "v2"] = Field(
        default="v1", description="The version of the secrets engine KV."
    )
    namespace: str | None = Field(
        default=None, description="The namespace, where the vault has such."
    )
    auth_method: Literal["token", "kubernetes", "approle"] = Field(
        default="token", description="How to log in."
    )
    token: Annotated[str, _SECRET] | None = Field(
        default=None, description="The token, for `token`; renewed while it can be."
    )
    kube_role: str | None = Field(default=None, description="The role, for `kubernetes`.")
    kube_api_token_file: str | None = Field(
        default=None,
        description="The file with the service account's token; nothing: where Kubernetes puts it.",
    )
    kube_auth_path: str = Field(
        default="kubernetes", description="Where the method `kubernetes` is mounted."
    )
    approle_auth_path: str = Field(
        default="approle", description="Where the method `approle` is mounted."
    )
    approle_role_id: Annotated[str, _SECRET] | None = Field(
        default=None, description="The role's id, for `approle`."
    )
    approle_secret_id: Annotated[str, _SECRET] | None = Field(
        default=None, description="The secret id, for `approle`."
    )
    approle_secret_id_file: str | None = Field(
        default=None, description="A file with the secret id, in place of `approle_secret_id`."
    )
    approle_response_wrapping: bool = Field(
        default=False,
        description="Whether the secret id is a wrapping token, which is unwrapped once.",
    )
    cert_auth_role_name: str | None = _unused("cert")
    cert_auth_cert: str | None = _unused("cert")
    cert_auth_cert_key: Annotated[str, _SECRET] | None = _unused("cert")
    oauth2_role_name: str | None = _unused("oauth2")
    oauth2_token_endpoint: str | None = _unused("oauth2")
    oauth2_client_id: Annotated[str, _SECRET] | None = _unused("oauth2")
    oauth2_client_secret: Annotated[str, _SECRET] | None = _unused("oauth2")
    oauth2_audiences: str | None = _unused("oauth2")

    @model_validator(mode="after")
    def _check_method(self) -> HashicorpVault:
        missing = [name for name in _NEEDED[self.auth_method] if getattr(self, name) is None]
        if self.auth_method == "approle":
            given = self.approle_secret_id, self.approle_secret_id_file
            if given == (None, None):
                missing.append("approle_secret_id")
        if missing:
            text = f"needed for the auth_method {self.auth_method}"
            raise violation([], dict.fromkeys(missing, text))
        return self


_NEEDED = {"token": ("token",), "kubernetes": ("kube_role",), "approle": ("approle_role_id",)}


class AwsVault(CachedVault):
    """AWS Secrets Manager; credentials come from where AWS' own clients look for them."""

    region: str | None = Field(
        default=None, description="The region; nothing: what the environment says."
    )
    endpoint_url: HttpUrl | None = Field(
        default=None, description="The service's address; nothing: that of the region."
    )
    assume_role_arn: str | None = Field(default=None, description="The role to assume for access.")
    role_session_name: str = Field(
        default="KongVault", description="The session's name when a role is assumed."
    )
    sts_endpoint_url: HttpUrl | None = Field(
        default=None, description="The address of the service that lets a role be assumed."
    )


VAULT_KINDS: dict[str, type[StrictModel]] = {
    "env": EnvVault,
    "file": FileVault,
    "hcv": HashicorpVault,
    "aws": AwsVault,
}
"""The model of each kind's ``config``, by the vault's ``name``."""
