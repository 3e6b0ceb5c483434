# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``opentelemetry``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from gateway.entities.base import Hint, StrictModel, violation
from gateway.entities.types import HeaderName, HttpUrl, Milliseconds, check_http_url, invalid
from gateway.plugins.logging.fields import LogQueueSettings
from gateway.plugins.opentelemetry.grpc_sending import SCHEMES

Extractable = Literal["w3c", "datadog", "b3", "gcp", "jaeger", "aws", "ot", "instana"]
Injectable = Literal[
    "preserve", "w3c", "b3", "b3-single", "datadog", "gcp", "aws", "jaeger", "ot", "instana"
]
Format = Literal["w3c", "datadog", "b3", "gcp", "b3-single", "jaeger", "aws", "ot", "instana"]
HeaderType = Literal[
    "preserve",
    "ignore",
    "b3",
    "b3-single",
    "w3c",
    "jaeger",
    "ot",
    "aws",
    "gcp",
    "datadog",
    "instana",
]
Strategy = Literal["parent_drop_probability_fallback", "parent_probability_fallback"]
_FORBIDDEN = frozenset({"content-type", "content-length", "host", "transfer-encoding"})


def _check_receiver(value: str) -> str:
    """Refuse what is no address over HTTP or gRPC, and credentials or a query in it."""
    scheme, found, rest = value.partition("://")
    if found and scheme in SCHEMES:
        check_http_url(f"http://{rest}")
        return value
    return check_http_url(value)


ReceiverUrl = Annotated[str, AfterValidator(_check_receiver)]


class SpanQueue(LogQueueSettings):
    """How traces wait for their receiver."""

    max_batch_size: Annotated[int, Field(ge=1, le=1000000)] = Field(
        default=200, description="How many traces are sent together at most."
    )


class PropagationSettings(StrictModel):
    """Where trace contexts come from and how they go on."""

    extract: list[Extractable] | None = Field(
        default=None,
        description="The formats to look for, in this order; the first that is there counts.",
    )
    clear: list[str] | None = Field(
        default=None, description="Headers that do not go on, injected ones excepted."
    )
    inject: list[Injectable] | None = Field(
        default=None,
        description="The formats to write; `preserve` is the one that was found, or "
        "`default_format`.",
    )
    default_format: Format = Field(
        default="w3c", description="What `preserve` writes where nothing was found."
    )


class MetricsSettings(StrictModel):
    """Metrics over OTLP, which are not served here."""

    endpoint: HttpUrl | None = Field(
        default=None, description="Refused when set: use the plugin `prometheus`."
    )
    push_interval: float = Field(default=60, description="Without effect: no metrics are sent.")
    enable_request_metrics: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )
    enable_latency_metrics: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )
    enable_bandwidth_metrics: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )
    enable_upstream_health_metrics: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )
    enable_ai_metrics: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )
    enable_consumer_attribute: bool = Field(
        default=False, description="Without effect: no metrics are sent."
    )


class AccessLogSettings(StrictModel):
    """Access logs over OTLP; not served here."""

    endpoint: HttpUrl | None = Field(
        default=None, description="Refused when set: use `http-log` or another plugin that logs."
    )
    custom_attributes_by_lua: dict[str, str] | None = Field(
        default=None, description="Without effect: no metrics are sent."
    )


class Config(StrictModel):
    """Carry trace contexts from clients into records and to upstreams, and record spans.

    Records get the context as record headers, unless
    `headers.forward_http_headers_as_record_headers` is off. Spans go to `traces_endpoint` by OTLP
    over HTTP (protobuf) or gRPC; without it contexts go on all the same.
    """

    traces_endpoint: Annotated[ReceiverUrl, Hint(referenceable=True)] | None = Field(
        default=None,
        description="Where spans are sent, such as `http://collector:4318/v1/traces`; by OTLP over "
        "gRPC where it is `grpc://collector:4317`, or `grpcs://…` with TLS: that needs the extra "
        "`kafka-gateway[otlp-grpc]`, and Kong does not have it.",
    )
    endpoint: Annotated[HttpUrl, Hint(referenceable=True)] | None = Field(
        default=None, description="Deprecated: the former name of `traces_endpoint`."
    )
    logs_endpoint: Annotated[HttpUrl, Hint(referenceable=True)] | None = Field(
        default=None, description="Refused when set: logs are not sent over OTLP."
    )
    access_logs_endpoint: Annotated[HttpUrl, Hint(referenceable=True)] | None = Field(
        default=None, description="Refused when set: logs are not sent over OTLP."
    )
    metrics: MetricsSettings | None = Field(
        default=None, description="Metrics over OTLP, which are not served here."
    )
    access_logs: AccessLogSettings | None = Field(
        default=None, description="Access logs over OTLP; not served here."
    )
    headers: dict[HeaderName, Annotated[str, Hint(referenceable=True, encrypted=True)]] | None = (
        Field(default=None, description="Headers of the requests with spans, to sign in say.")
    )
    resource_attributes: dict[str, str] | None = Field(
        default=None,
        description="Attributes of the resource; `service.name` (`kong`), `service.instance.id` "
        "and `service.version` have values without it.",
    )
    queue: SpanQueue = Field(
        default_factory=SpanQueue, description="How traces wait for their receiver."
    )
    batch_span_count: int | None = Field(
        default=None, description="Deprecated: use `queue.max_batch_size`."
    )
    batch_flush_delay: int | None = Field(
        default=None, description="Deprecated: use `queue.max_coalescing_delay`."
    )
    connect_timeout: Milliseconds = Field(
        default=1000, description="Milliseconds to connect; the three are one time here."
    )
    send_timeout: Milliseconds = Field(default=5000, description="Milliseconds to send.")
    read_timeout: Milliseconds = Field(
        default=5000, description="Milliseconds to wait for the response."
    )
    http_response_header_for_traceid: HeaderName | None = Field(
        default=None, description="A header of the response that shows the trace's id."
    )
    header_type: HeaderType = Field(
        default="preserve",
        description="Deprecated: use `propagation`. Without effect where `extract`, `inject` or "
        "`clear` are set.",
    )
    sampling_rate: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="The share of traces without a caller's decision that is recorded, by their "
        "id; 0.01 when not set. A caller's decision holds, unless the rate is 0.",
    )
    sampling_strategy: Strategy = Field(
        default="parent_drop_probability_fallback",
        description="With `parent_probability_fallback` a caller's decision to record holds at a "
        "rate of 0 as well.",
    )
    propagation: PropagationSettings = Field(
        default_factory=PropagationSettings,
        description="Where trace contexts come from and how they go on.",
    )

    @field_validator("headers")
    @classmethod
    def _own_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        for name in headers or ():
            if name.lower() in _FORBIDDEN:
                raise invalid(f"cannot contain '{name}' header")
        return headers

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("endpoint") and not data.get("traces_endpoint"):
            return {**data, "traces_endpoint": data["endpoint"]}
        return data

    @model_validator(mode="after")
    def _only_traces(self) -> Self:
        wanted = {
            "logs_endpoint": self.logs_endpoint,
            "access_logs_endpoint": self.access_logs_endpoint,
            "metrics": self.metrics and self.metrics.endpoint,
            "access_logs": self.access_logs and self.access_logs.endpoint,
        }
        refused = {
            name: "only traces are sent over OTLP here; leave it out"
            for name, value in wanted.items()
            if value
        }
        if refused:
            raise violation([], refused)
        return self
