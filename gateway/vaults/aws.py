# SPDX-License-Identifier: Apache-2.0
"""AWS Secrets Manager, asked by AWS' own client (the extra ``vault-aws``)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from gateway.entities.vault_kinds import AwsVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import FetchedSecret, Surroundings

_STAGES = {None: "AWSCURRENT", 1: "AWSCURRENT", 2: "AWSPREVIOUS"}
"""Versions as Kong counts them."""
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId")
_CONNECT, _READ = 3, 5
"""Seconds."""


class SecretsManager:
    """The secrets of one region and account. Raises ``VaultError`` without boto3."""

    def __init__(self, config: AwsVault, surroundings: Surroundings) -> None:
        try:
            import boto3
        except ModuleNotFoundError:
            raise VaultError(
                "vaults of the kind aws need boto3; install kafka-gateway[vault-aws]"
            ) from None
        self._config = config
        self._trusted = surroundings.trusted_ca
        self._session = boto3.session.Session(region_name=config.region)

    @cached_property
    def _client(self) -> Any:
        config = self._config
        given: dict[str, Any] = {}
        if config.assume_role_arn is not None:
            found = self._made("sts", config.sts_endpoint_url).assume_role(
                RoleArn=config.assume_role_arn, RoleSessionName=config.role_session_name
            )["Credentials"]
            given = {
                "aws_access_key_id": found["AccessKeyId"],
                "aws_secret_access_key": found["SecretAccessKey"],
                "aws_session_token": found["SessionToken"],
            }
        return self._made("secretsmanager", config.endpoint_url, **given)

    def _made(self, service: str, url: str | None, **given: Any) -> Any:
        from botocore.config import Config

        limits = Config(
            connect_timeout=_CONNECT, read_timeout=_READ, retries={"total_max_attempts": 2}
        )
        verify = True if self._trusted is None else self._trusted
        return self._session.client(
            service, endpoint_url=url, config=limits, verify=verify, **given
        )

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """See ``Backend``."""
        from botocore.exceptions import BotoCoreError, ClientError

        stage = _STAGES.get(version)
        if stage is None:
            raise SecretMissing("AWS keeps the versions 1 (current) and 2 (previous)")
        try:
            try:
                found = self._client.get_secret_value(SecretId=resource, VersionStage=stage)
            except ClientError as error:
                if _code(error) not in _EXPIRED:
                    raise
                self.__dict__.pop("_client", None)  # The role is assumed anew.
                found = self._client.get_secret_value(SecretId=resource, VersionStage=stage)
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":
                raise SecretMissing(f"AWS has no secret {resource} ({stage})") from None
            raise VaultError(f"AWS refuses {resource}: {_code(error)}") from None
        except BotoCoreError as error:
            # Its text may hold addresses and settings; its name is enough.
            raise VaultError(f"AWS cannot be asked: {type(error).__name__}") from None
        text = found.get("SecretString")
        if text is None:
            raise VaultError(f"the secret {resource} is binary; only text can be used")
        return FetchedSecret(str(text))

    def tend(self) -> float | None:
        """See ``Backend``."""
        return None


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown error"))
