# SPDX-License-Identifier: Apache-2.0
"""Health checks of an upstream: active probes and the passive watching of traffic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.entities.base import StrictModel
from gateway.entities.hosts import check_server_name
from gateway.entities.types import HeaderName, Number, UrlPath, invalid

Status = Annotated[int, Field(ge=100, le=999)]
Count = Annotated[int, Field(ge=0, le=255)]
Seconds = Annotated[Number, Field(ge=0, le=65535)]
CheckType = Literal["tcp", "http", "https", "grpc", "grpcs"]


def _server_name(value: str) -> str:
    problem = check_server_name(value)
    if problem or "*" in value:
        raise invalid(problem or f"invalid value: {value}")
    return value


def _probed(value: str) -> str:
    if value in ("grpc", "grpcs"):
        raise invalid(
            f"targets cannot be probed by {value}: the gateway speaks HTTP/1.1 to them; "
            "use http, https or tcp"
        )
    return value


_PASSIVE_GOOD = [*range(200, 209), 226, *range(300, 309)]


class ActiveHealthy(StrictModel):
    """When a probed target counts as healthy."""

    interval: Seconds = Field(
        default=0, description="Seconds between two probes of a healthy target; 0 is never."
    )
    successes: Count = Field(
        default=0, description="How many good probes make a target healthy; 0 is off."
    )
    http_statuses: list[Status] = Field(
        default_factory=lambda: [200, 302], description="The statuses of a good probe."
    )


class ActiveUnhealthy(StrictModel):
    """When a probed target counts as unhealthy."""

    interval: Seconds = Field(
        default=0, description="Seconds between two probes of an unhealthy target; 0 is never."
    )
    tcp_failures: Count = Field(
        default=0, description="How many failed connections make a target unhealthy; 0 is off."
    )
    timeouts: Count = Field(
        default=0, description="How many timeouts make a target unhealthy; 0 is off."
    )
    http_failures: Count = Field(
        default=0, description="How many bad statuses make a target unhealthy; 0 is off."
    )
    http_statuses: list[Status] = Field(
        default_factory=lambda: [429, 404, 500, 501, 502, 503, 504, 505],
        description="The statuses of a bad probe.",
    )


class Active(StrictModel):
    """Probes that the gateway sends itself."""

    type: Annotated[CheckType, AfterValidator(_probed)] = Field(
        default="http", description="The protocol of probes; `grpc` and `grpcs` are refused."
    )
    timeout: Seconds = Field(default=1, description="How long a probe may take, in seconds.")
    concurrency: Annotated[int, Field(ge=1, le=2147483648)] = Field(
        default=10, description="How many targets are probed at the same time."
    )
    http_path: UrlPath = Field(default="/", description="The path that probes ask for.")
    https_sni: Annotated[str, AfterValidator(_server_name)] | None = Field(
        default=None, description="The server name of the TLS handshake of probes."
    )
    https_verify_certificate: bool = Field(
        default=True, description="Whether the certificates of probed targets are verified."
    )
    headers: dict[HeaderName, list[str]] | None = Field(
        default=None, description="The headers of probes, each with its values."
    )
    healthy: ActiveHealthy = Field(
        default_factory=ActiveHealthy, description="When a probed target counts as healthy."
    )
    unhealthy: ActiveUnhealthy = Field(
        default_factory=ActiveUnhealthy, description="When a probed target counts as unhealthy."
    )


class PassiveHealthy(StrictModel):
    """Which responses to ordinary requests count as good."""

    successes: Count = Field(
        default=0, description="How many good responses make a target healthy; 0 is off."
    )
    http_statuses: list[Status] = Field(
        default_factory=lambda: list(_PASSIVE_GOOD), description="The statuses of good responses."
    )


class PassiveUnhealthy(StrictModel):
    """Which responses to ordinary requests count as bad."""

    tcp_failures: Count = Field(
        default=0, description="How many failed connections make a target unhealthy; 0 is off."
    )
    timeouts: Count = Field(
        default=0, description="How many timeouts make a target unhealthy; 0 is off."
    )
    http_failures: Count = Field(
        default=0, description="How many bad responses make a target unhealthy; 0 is off."
    )
    http_statuses: list[Status] = Field(
        default_factory=lambda: [429, 500, 503], description="The statuses of bad responses."
    )


class Passive(StrictModel):
    """What is learnt from ordinary requests."""

    type: CheckType = Field(default="http", description="The protocol of the requests watched.")
    healthy: PassiveHealthy = Field(
        default_factory=PassiveHealthy, description="Which responses count as good."
    )
    unhealthy: PassiveUnhealthy = Field(
        default_factory=PassiveUnhealthy, description="Which responses count as bad."
    )


class Healthchecks(StrictModel):
    """How it is found out which targets are healthy."""

    threshold: Annotated[Number, Field(ge=0, le=100)] = Field(
        default=0,
        description="The least share of the targets' weight, in percent, that must be healthy "
        "for the upstream to be.",
    )
    active: Active = Field(
        default_factory=Active, description="Probes that the gateway sends itself."
    )
    passive: Passive = Field(
        default_factory=Passive, description="What is learnt from ordinary requests."
    )
