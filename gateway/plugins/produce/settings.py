# SPDX-License-Identifier: Apache-2.0
"""Settings that ``kafka-upstream`` and ``confluent`` share."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gateway.entities.base import Hint, StrictModel, violation
from gateway.entities.types import TokenUrl, TopicName
from gateway.errors import SchemaViolation
from gateway.plugins.produce.delivery_settings import Delivering
from gateway.plugins.produce.registry.settings import SchemaRegistry, Secret

CONSUMERS = ("consumers", "acls", "consumer_groups", "consumer_group_consumers")
_FORWARD = ("forward_method", "forward_uri", "forward_headers", "forward_body")

Referenceable = Annotated[str, Hint(referenceable=True)]


class OAuthBearer(StrictModel):
    """How a token for SASL/OAUTHBEARER is fetched."""

    token_endpoint_url: Annotated[TokenUrl, Hint(referenceable=True)] | None = Field(
        default=None, description="The URL from which tokens for Kafka are fetched."
    )
    client_id: Referenceable | None = Field(
        default=None, description="The client id shown to the token endpoint."
    )
    client_secret: Secret | None = Field(
        default=None, description="The client secret shown to the token endpoint."
    )
    auth_method: Literal["client_secret_basic", "client_secret_post"] = Field(
        default="client_secret_basic",
        description="How the client proves itself to the token endpoint: HTTP Basic, which every "
        "endpoint has, or id and secret as fields of the form.",
    )
    scopes: list[str] | None = Field(default=None, description="The scopes that are asked for.")
    extensions: dict[str, str] | None = Field(
        default=None,
        description="SASL extensions sent to the broker, for example logicalCluster and "
        "identityPoolId.",
    )
    token_endpoint_tls_verify: bool = Field(
        default=True, description="Whether the token endpoint's certificate is verified."
    )


class ErrorHandling(StrictModel):
    """What a caller learns of failures."""

    return_error_message: bool = Field(
        default=False,
        description="Whether the client library's or broker's error text is shown to the caller.",
    )


class IdentityHeaders(StrictModel):
    """Record headers that say who a request comes from (ours).

    No header of the client's gets a name that stands here.
    """

    consumer_id: str | None = Field(
        default=None, description="The record header for the consumer's id."
    )
    consumer_username: str | None = Field(
        default=None, description="The record header for the consumer's user name."
    )
    consumer_custom_id: str | None = Field(
        default=None, description="The record header for the consumer's custom id."
    )
    groups: str | None = Field(
        default=None,
        description="The record header for the groups that `acl` goes by, separated by commas: "
        "those of the token, else the consumer's.",
    )
    consumer_groups: str | None = Field(
        default=None,
        description="The record header for the names of the consumer groups, separated by commas.",
    )
    claims: dict[str, str] = Field(
        default_factory=dict,
        description="Claims of a verified token, each with the name of its record header; dots "
        "lead into objects. What is no text is written as JSON.",
    )


class RecordHeaders(StrictModel):
    """Which request headers become record headers."""

    identity: IdentityHeaders | None = Field(
        default=None,
        description="Record headers that say who the request comes from; none when not set. Ours.",
    )

    forward_http_headers_as_record_headers: bool = Field(
        default=True, description="Whether request headers become record headers at all."
    )
    forward_all_by_default: bool = Field(
        default=False,
        description="Whether all request headers are taken except `exclude_headers`; otherwise "
        "only `include_headers` are.",
    )
    include_headers: list[str] = Field(
        default_factory=list,
        description="The request headers that are taken when `forward_all_by_default` is false.",
    )
    exclude_headers: list[str] = Field(
        default_factory=list,
        description="The request headers that are left out when `forward_all_by_default` is true.",
    )
    name_mappings: dict[str, str] = Field(
        default_factory=dict,
        description="Names of request headers, each with the name its record header gets.",
    )
    repeated_headers_behavior: Literal[
        "concatenate_by_comma", "retain_duplicates", "take_first"
    ] = Field(
        default="retain_duplicates",
        description="What happens to a request header that occurs several times.",
    )


class Envelope(StrictModel):
    """What of a request goes into the record."""

    own_checks: ClassVar[bool] = True

    topic: TopicName = Field(
        description="The topic that records are written to when the request names no other."
    )
    topics_query_arg: str | None = Field(
        default=None,
        description="The query argument that may name topics, separated by commas; each gets a "
        "copy of the record.",
    )
    allowed_topics: list[TopicName] | None = Field(
        default=None,
        description="The topics that a request may name; the default topic is always allowed.",
    )
    forward_method: bool = Field(
        default=False, description="Whether the record holds the request's method."
    )
    forward_uri: bool = Field(
        default=False, description="Whether the record holds the request's URI and query arguments."
    )
    forward_headers: bool = Field(
        default=False, description="Whether the record holds the request's headers."
    )
    forward_body: bool = Field(
        default=True, description="Whether the record holds the request's body."
    )
    raw_body: bool = Field(
        default=False,
        description="Whether the record's value is the request's body byte by byte, without an "
        "envelope around it; the forward settings then have no effect.",
    )
    records: Literal["none", "ndjson", "json_array"] = Field(
        default="none",
        description="Whether one request may carry many records: a JSON text on each line "
        "(`ndjson`) or the elements of one array (`json_array`); the response then has a result "
        "for each.",
    )
    max_records: Annotated[int, Field(ge=1, le=1000000)] | None = Field(
        default=None,
        description="How many records one request may carry; more are answered 413. The node's "
        "setting `KAFKA_GATEWAY_MAX_RECORDS` (5,000) when it is not set.",
    )
    max_record_size: Annotated[int, Field(ge=1024, le=100000000)] | None = Field(
        default=None,
        description="How many bytes a record may have with its key, its headers and what Kafka "
        "adds; larger ones are answered 413. Raise it together with the topic's "
        "`max.message.bytes`. The node's setting `KAFKA_GATEWAY_MAX_RECORD_SIZE` (1 MiB) when it "
        "is not set.",
    )
    key_query_arg: str | None = Field(
        default=None, description="The query argument whose value becomes the record's key."
    )
    key_header: str | None = Field(
        default=None,
        description="The request header whose value becomes the record's key when no query "
        "argument gave one.",
    )
    headers: RecordHeaders | None = Field(
        default=None, description="Which request headers become record headers; none when not set."
    )
    message_by_lua_functions: list[str] | None = Field(
        default=None,
        description="Lua functions that change the record, run in order, each on the result of "
        "the one before.",
    )
    schema_registry: SchemaRegistry | None = Field(
        default=None,
        description="The registry whose schemas serialise records; plain JSON when not set.",
    )
    error_handling: ErrorHandling | None = Field(
        default=None, description="What a caller learns of failures."
    )

    @property
    def reads(self) -> tuple[str, ...]:
        """The collections whose change makes another handler of the same settings."""
        callers: CallerCredentials | None = getattr(self, "consumer_credentials", None)
        by_group = callers is not None and any(item.consumer_group for item in callers.credentials)
        named = self.headers is not None and self.headers.identity is not None
        return CONSUMERS if by_group or named else ()

    @field_validator("message_by_lua_functions")
    @classmethod
    def _check_lua(cls, chunks: list[str] | None) -> list[str] | None:
        if chunks:
            # LuaJIT is loaded only where there is Lua.
            from gateway.plugins.produce.lua import check_chunks

            try:
                check_chunks(chunks)
            except SchemaViolation as error:
                problems = error.fields["config"]["message_by_lua_functions"]
                text = "; ".join(f"function {n}: {problem}" for n, problem in problems.items())
                raise PydanticCustomError("lua", "{text}", {"text": text}) from None
        return chunks

    @model_validator(mode="after")
    def _check_forward(self) -> Envelope:
        if not self.raw_body and not any(getattr(self, name) for name in _FORWARD):
            names = ", ".join(_FORWARD)
            raise violation([f"at least one of these attributes must be true: {names}"])
        return self


class CallerCredential(StrictModel):
    """What is shown to Kafka in place of the plugin's own credential."""

    consumer: str | None = Field(
        default=None, description="The consumer it is for, by user name or id."
    )
    consumer_group: str | None = Field(
        default=None,
        description="The consumer group it is for: consumers that have none of their own.",
    )
    user: Secret = Field(description="The user name or API key shown to the brokers.")
    password: Secret = Field(description="The password or API secret shown to the brokers.")

    @model_validator(mode="after")
    def _check_whose(self) -> CallerCredential:
        if (self.consumer is None) == (self.consumer_group is None):
            raise violation(
                ["exactly one of these fields must be set: 'consumer', 'consumer_group'"]
            )
        return self


class CallerCredentials(StrictModel):
    """Credentials by which Kafka sees the caller, for its own access rules (ours)."""

    credentials: Annotated[list[CallerCredential], Field(min_length=1)] = Field(
        description="The credentials of consumers and consumer groups."
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="The SASL mechanism of all of them."
    )
    otherwise: Literal["refuse", "default"] = Field(
        default="refuse",
        description="What happens to callers without one: they are answered 403, or written for "
        "by the plugin's own credential.",
    )
    max_producers: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50,
        description="How many of them a worker uses at once; when all are busy, another caller is "
        "answered 503. Each is a connection, a buffer and threads of its own.",
    )
    idle_timeout: Annotated[int, Field(ge=1)] = Field(
        default=300, description="After how many seconds without a request one is closed."
    )

    @model_validator(mode="after")
    def _check_once(self) -> CallerCredentials:
        names = [(item.consumer, item.consumer_group) for item in self.credentials]
        twice = sorted({str(name[0] or name[1]) for name in names if names.count(name) > 1})
        if twice:
            raise violation([], {"credentials": f"more than one for {', '.join(twice)}"})
        return self


class Producing(Delivering):
    """How the records of requests are delivered, and what callers learn of it."""

    consumer_credentials: CallerCredentials | None = Field(
        default=None,
        description="Credentials by which Kafka sees the caller instead of the gateway. Ours.",
    )

    partitioner: Literal[
        "consistent_random",
        "consistent",
        "murmur2_random",
        "murmur2",
        "fnv1a_random",
        "fnv1a",
        "random",
    ] = Field(
        default="consistent_random",
        description="How a record's partition is chosen: `consistent_random` keeps a key on the "
        "partition Kong puts it on and spreads records without key; `murmur2_random` is what "
        "Java clients do.",
    )
    accepted: bool = Field(
        default=False,
        description="Whether the caller is answered 202 with a delivery id as soon as the record "
        "is buffered.",
    )
    producer_async_health_gating: bool = Field(
        default=True,
        description="Whether callers are answered 503 while Kafka is unreachable, instead of "
        "200 for records that may be lost; Kong's default is false.",
    )
    producer_async_health_failure_threshold: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="After how many failures in a row the producer counts as unhealthy."
    )
    producer_async_health_recovery_threshold: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="After how many good probes in a row it counts as healthy again."
    )
    producer_async_health_probe_interval: Annotated[int, Field(ge=100, le=600000)] = Field(
        default=5000, description="How long to wait between two probes, in milliseconds."
    )
