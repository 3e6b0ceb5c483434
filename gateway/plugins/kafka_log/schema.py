# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``kafka-log``, with the fields of Kong 3.16."""

from __future__ import annotations

from pydantic import Field

from gateway.entities.types import TopicName
from gateway.plugins.kafka_upstream.schema import KafkaAuthentication, KafkaSecurity
from gateway.plugins.logging.fields import LogFields
from gateway.plugins.produce.delivery_settings import Delivering
from gateway.plugins.produce.registry.settings import SchemaRegistry


class Config(LogFields, Delivering):
    """Write an entry for each request to a Kafka topic, a record of JSON each.

    Requests never wait for it. A record that Kafka does not take in time, or for which there is no
    room in the producer's buffer, is dropped and counted.
    """

    topic: TopicName = Field(description="The topic that entries are written to.")
    key_query_arg: str | None = Field(
        default=None,
        description="The query argument whose value becomes the record's key; without it there "
        "is none.",
    )
    authentication: KafkaAuthentication | None = Field(
        default=None, description="How the gateway proves itself to the brokers."
    )
    security: KafkaSecurity | None = Field(
        default=None, description="How connections to the brokers are secured."
    )
    schema_registry: SchemaRegistry | None = Field(
        default=None,
        description="The registry whose schemas serialise entries; plain JSON when not set.",
    )

    def warnings(self) -> list[str]:
        """Return what is said of fields without effect."""
        if self.producer_async:
            return []
        return ["producer_async: entries are always buffered, so that no request waits for Kafka"]
