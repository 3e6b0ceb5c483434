# SPDX-License-Identifier: Apache-2.0
"""Settings of a producer that all plugins share which write to Kafka."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import ConnectHost, ConnectPort


class BootstrapServer(StrictModel):
    """One broker to start from."""

    host: ConnectHost = Field(description="The broker's host name or address.")
    port: ConnectPort = Field(description="The broker's port.")


class Delivering(StrictModel):
    """How records are delivered."""

    bootstrap_servers: Annotated[list[BootstrapServer], Hint(set=True)] | None = Field(
        default=None, description="The brokers to start from, each with host and port."
    )
    cluster_name: str | None = Field(
        default=None,
        description="A name for the Kafka cluster; accepted for compatibility, since producers "
        "are shared by their settings.",
    )
    timeout: Annotated[int, Field(ge=1)] = Field(
        default=10000,
        description="How long a broker may take to answer, in milliseconds; it also bounds how "
        "long a request waits for its record.",
    )
    keepalive: Annotated[int, Field(ge=0)] = Field(
        default=60000,
        description="How long an idle connection to a broker is kept, in milliseconds.",
    )
    keepalive_enabled: bool = Field(
        default=False,
        description="Accepted for compatibility; connections to brokers are always kept open.",
    )
    compression_type: Literal["none", "gzip", "lz4", "snappy", "zstd"] = Field(
        default="none", description="How batches of records are compressed."
    )
    new_kafka_async_producer: bool = Field(
        default=False, description="Accepted for compatibility; there is one producer."
    )
    producer_request_acks: Literal[-1, 0, 1] = Field(
        default=1,
        description="Which replicas must have the record before it counts as written: all in "
        "sync (-1), the leader (1), or none (0).",
    )
    producer_request_timeout: Annotated[int, Field(ge=1)] = Field(
        default=2000,
        description="How long a broker may take to have a record replicated, in milliseconds.",
    )
    producer_request_limits_messages_per_request: Annotated[int, Field(ge=1)] = Field(
        default=200, description="How many records go into one batch at most."
    )
    producer_request_limits_bytes_per_request: Annotated[int, Field(ge=1)] = Field(
        default=1048576, description="How many bytes one batch has at most."
    )
    producer_request_retries_max_attempts: Annotated[int, Field(ge=1)] = Field(
        default=10, description="How often a batch is sent at most, the first time included."
    )
    producer_request_retries_backoff_timeout: Annotated[int, Field(ge=0)] = Field(
        default=100, description="How long to wait between two attempts, in milliseconds."
    )
    producer_async: bool = Field(
        default=True,
        description="Whether the caller is answered once the record is buffered, not once it is "
        "written.",
    )
    producer_async_flush_timeout: Annotated[int, Field(ge=0)] = Field(
        default=1000,
        description="How long a record may wait in the buffer for others, in milliseconds.",
    )
    producer_async_buffering_limits_messages_in_memory: Annotated[int, Field(ge=1)] = Field(
        default=50000,
        description="How many records a worker buffers for one producer; when they are too many, "
        "the caller is answered 503.",
    )
