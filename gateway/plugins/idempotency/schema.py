# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``idempotency``, a plugin of this gateway."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.redis_settings import RedisDeployment
from gateway.entities.types import HeaderName, TopicName
from gateway.plugins.kafka_upstream.schema import KafkaAuthentication, KafkaSecurity
from gateway.plugins.produce.delivery_settings import BootstrapServer


class KafkaKeys(StrictModel):
    """Where the storage `kafka` keeps keys and answers."""

    topic: TopicName = Field(
        default="kafka-gateway-idempotency",
        description="The topic. Make it with `cleanup.policy` compact and with "
        "`min.compaction.lag.ms` and `retention.ms` of twice the window or more.",
    )
    bootstrap_servers: Annotated[list[BootstrapServer], Field(min_length=1)] = Field(
        description="The brokers to start from: those of the records."
    )
    authentication: KafkaAuthentication | None = Field(
        default=None,
        description="How the gateway proves itself to the brokers. It needs to read and write the "
        "topic, to write the records' topics, and transactional ids that begin with "
        "`kafka-gateway-`.",
    )
    security: KafkaSecurity | None = Field(
        default=None, description="How connections to the brokers are secured."
    )
    lease: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=10,
        description="Seconds after which an attempt without an answer counts as cut off. Another "
        "one then makes sure that nothing of it can be written any more, sees whether it was, and "
        "only then repeats it.",
    )

    @model_validator(mode="after")
    def _check_mechanism(self) -> KafkaKeys:
        if self.authentication is not None and self.authentication.mechanism == "OAUTHBEARER":
            raise violation([], {"authentication": "OAUTHBEARER is not served here; use SCRAM"})
        return self


class Config(StrictModel):
    """Respond to a request that comes again under the same key with its first answer."""

    header_name: HeaderName = Field(
        default="Idempotency-Key",
        description="The request header with the key: a quoted string or visible ASCII characters.",
    )
    required: bool = Field(
        default=False,
        description="Whether a request without a key is refused with 400; otherwise it passes as "
        "if the plugin were not there.",
    )
    max_key_length: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=255, description="How many characters a key may have; longer ones are refused."
    )
    window: Annotated[int, Field(ge=1, le=2678400)] = Field(
        default=86400,
        description="Seconds for which an answer is kept, counted from when it was given.",
    )
    wait_timeout: Annotated[float, Field(ge=0, le=300)] = Field(
        default=10,
        description="Seconds that a request waits for the answer to an earlier one with its key "
        "that is still being worked on; after that 409 with Retry-After.",
    )
    max_body_size: Annotated[int, Field(ge=0, le=16777216)] = Field(
        default=65536,
        description="Largest body of an answer that is kept, in bytes. Of a larger one it is kept "
        "that there was one: the request is not repeated, a second one gets 409.",
    )
    unknown_outcome: Literal["refuse", "repeat"] = Field(
        default="refuse",
        description="What happens to a key whose first request was cut off by the end of a worker "
        "or node where its records cannot be looked for, because it writes none or the gateway "
        "may not read the topics: `refuse` keeps it from having its effect twice (409 until the "
        "window is over), `repeat` keeps it from having none.",
    )
    fail_open: bool = Field(
        default=False,
        description="Whether requests pass unprotected while the storage cannot be reached; "
        "otherwise they are refused with 503 and Retry-After.",
    )
    storage: Literal["memory", "redis", "kafka"] = Field(
        default="memory",
        description="Where answers are kept: `memory` of the node, shared by its workers and gone "
        "with it; `redis`, shared by all nodes that name it; `kafka`, a compacted topic for all "
        "nodes: an answer is written together with the records of its request, or neither is. "
        "With `memory` and `redis` the records of a request that was cut off are looked for in "
        "their topics, which the credentials of the plugin that writes must be allowed to read.",
    )
    kafka: KafkaKeys | None = Field(default=None, description="The topic of the storage `kafka`.")
    redis: RedisDeployment | None = Field(
        default=None, description="The Redis of the storage `redis`."
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.storage == "redis" and self.redis is None:
            raise violation([], {"redis": "required field missing"})
        if self.storage == "kafka" and self.kafka is None:
            raise violation([], {"kafka": "required field missing"})
        return self
