# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``kafka-upstream``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.types import UuidOrReference
from gateway.plugins.produce.registry.settings import Secret
from gateway.plugins.produce.settings import Envelope, OAuthBearer, Producing


class KafkaAuthentication(StrictModel):
    """How the gateway proves itself to the brokers."""

    strategy: Literal["sasl"] | None = Field(
        default=None,
        description="The kind of authentication. Left out it means `sasl` as soon as a mechanism "
        "or a user is set, so that credentials are never silently ignored.",
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        default=None,
        description="The SASL mechanism; PLAIN when a user is set without one.",
    )
    user: Secret | None = Field(
        default=None, description="The user name or API key shown to the brokers."
    )
    password: Secret | None = Field(
        default=None, description="The password or API secret shown to the brokers."
    )
    tokenauth: bool | None = Field(
        default=None,
        description="Whether user and password are the id and HMAC of a delegation token.",
    )
    oauthbearer: OAuthBearer | None = Field(
        default=None, description="Where tokens come from, for the mechanism OAUTHBEARER."
    )

    @model_validator(mode="after")
    def _check_credentials(self) -> KafkaAuthentication:
        if self.mechanism == "OAUTHBEARER":
            if self.oauthbearer is None:
                text = "details are required when mechanism is OAUTHBEARER"
                raise violation([], {"oauthbearer": text})
            return self
        if self.sasl and (self.user is None or self.password is None):
            named = self.mechanism or "PLAIN"
            raise violation(
                [f"if strategy is sasl and mechanism is {named}, set user and password"]
            )
        return self

    @property
    def sasl(self) -> bool:
        """Whether SASL is used: also when only a mechanism or a user is given."""
        return bool(self.strategy or self.mechanism or self.user is not None)


class KafkaSecurity(StrictModel):
    """How connections to the brokers are secured."""

    ssl: bool | None = Field(default=None, description="Whether connections to brokers use TLS.")
    ssl_verify: bool = Field(
        default=True, description="Whether the brokers' certificates are verified."
    )
    certificate_id: UuidOrReference | None = Field(
        default=None,
        description="The id of the certificate entity that is shown to the brokers (mutual TLS).",
    )


class Config(Producing, Envelope):
    """Turn requests into records of a Kafka topic."""

    authentication: KafkaAuthentication | None = Field(
        default=None, description="How the gateway proves itself to the brokers."
    )
    security: KafkaSecurity | None = Field(
        default=None, description="How connections to the brokers are secured."
    )
