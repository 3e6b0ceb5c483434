# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``confluent``."""

from __future__ import annotations

from pydantic import Field

from gateway.entities.base import StrictModel
from gateway.plugins.produce.registry.settings import Secret
from gateway.plugins.produce.settings import Envelope, OAuthBearer, Producing


class ConfluentSecurity(StrictModel):
    """How connections to Confluent Cloud are secured; TLS is always on."""

    ssl_verify: bool = Field(
        default=True, description="Whether the brokers' certificates are verified."
    )


class Config(Producing, Envelope):
    """Turn requests into records of a topic in Confluent Cloud."""

    cluster_api_key: Secret | None = Field(
        default=None, description="The API key of the Kafka cluster."
    )
    cluster_api_secret: Secret | None = Field(
        default=None, description="The secret of the cluster's API key."
    )
    confluent_cloud_api_key: Secret | None = Field(
        default=None,
        description="A key of Confluent Cloud's management API; records do not need it.",
    )
    confluent_cloud_api_secret: Secret | None = Field(
        default=None, description="The secret of the management API's key."
    )
    oauthbearer: OAuthBearer | None = Field(
        default=None,
        description="Where OAuth tokens come from; when it is set it wins over the API key.",
    )
    security: ConfluentSecurity | None = Field(
        default=None, description="How connections to the brokers are secured."
    )
    producer_config_enabled: bool = Field(
        default=False,
        description="Whether the `producer_` settings apply; while false every record is "
        "written before the caller is answered, whatever they say.",
    )
