# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``prometheus``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation

_NOT_HERE = {
    "ai_metrics": "this gateway calls no language models",
    "wasm_metrics": "this gateway runs no WebAssembly filters",
}


class Config(StrictModel):
    """Count requests for Prometheus, which scrapes `/metrics` of the status API.

    Without a use of this plugin only what concerns the whole node is shown. Each switch adds
    series for each route, and `per_consumer` for each consumer that calls it: turn on what you look
    at.
    """

    per_consumer: bool = Field(
        default=False,
        description="Whether requests and bytes are counted by consumer too. The label is the "
        "consumer's `username`, else its `custom_id`; empty where there is no consumer.",
    )
    status_code_metrics: bool = Field(
        default=False,
        description="Whether responses are counted by status code: `kong_http_requests_total`.",
    )
    latency_metrics: bool = Field(
        default=False,
        description="Whether times are counted: `kong_request_latency_ms`, `kong_kong_latency_ms` "
        "and, where an upstream or Kafka was waited for, `kong_upstream_latency_ms`.",
    )
    bandwidth_metrics: bool = Field(
        default=False,
        description="Whether bytes are counted, heads included: `kong_bandwidth_bytes`.",
    )
    upstream_health_metrics: bool = Field(
        default=False,
        description="Whether the health of upstreams' targets is shown, for the whole node: "
        "`kong_upstream_target_health`.",
    )
    ai_metrics: bool = Field(
        default=False, description="Refused when true: this gateway calls no language models."
    )
    wasm_metrics: bool = Field(
        default=False, description="Refused when true: this gateway runs no WebAssembly filters."
    )

    @model_validator(mode="after")
    def _what_is_not_here(self) -> Self:
        wanted = {name: text for name, text in _NOT_HERE.items() if getattr(self, name)}
        if wanted:
            raise violation([], {name: f"{text}; leave it off" for name, text in wanted.items()})
        return self
