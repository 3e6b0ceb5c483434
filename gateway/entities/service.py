# SPDX-License-Identifier: Apache-2.0
"""Services: where requests are sent on to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import (
    Conditions,
    Entity,
    EntityType,
    Hint,
    failed_condition,
    violation,
)
from gateway.entities.hosts import check_host
from gateway.entities.types import (
    ForeignKey,
    Milliseconds,
    Name,
    Port,
    Protocol,
    UrlPath,
    Uuid,
    invalid,
)

_PATHLESS = frozenset({"tcp", "tls", "udp", "grpc", "grpcs"})
_WITH_TLS = frozenset({"https", "tls"})
_TLS_FIELDS = ["client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates"]
_PROTOCOLS = frozenset(get_args(Protocol))
_CONDITION = failed_condition("protocol")
_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}


def split_url(data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the write-only ``url`` by protocol, host, port and path; other fields stay.

    Raises a pydantic error when the URL has no scheme or host. A port that is not written is the
    scheme's own, 80 for other schemes; a path beside the URL counts when that has none.
    """
    rest = {key: value for key, value in data.items() if key != "url"}
    url = data.get("url")
    if url is None:
        return rest
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError):
        raise _not_a_url() from None
    if not parts.scheme or not parts.hostname:
        raise _not_a_url()
    rest["protocol"] = parts.scheme
    rest["host"] = parts.hostname
    rest["port"] = _PORTS.get(parts.scheme, 80) if port is None else port
    if parts.path:
        rest["path"] = parts.path
    return rest


def _not_a_url() -> Exception:
    return violation([], {"url": "expected a URL such as http://example.test:8080/path"})


def _host(value: str) -> str:
    problem = check_host(value)
    if problem:
        raise invalid(problem)
    return value


class Service(Entity):
    """An upstream application that routes send requests to."""

    name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="The service's unique name, by which other entities refer to it."
    )
    protocol: Protocol = Field(
        default="http", description="The protocol that is spoken with the upstream application."
    )
    host: Annotated[str, AfterValidator(_host)] = Field(
        description="The host name or address of the upstream application, or the name of an "
        "upstream entity; it has no port."
    )
    port: Port = Field(default=80, description="The upstream application's port.")
    path: UrlPath | None = Field(
        default=None,
        description="The path that is put before the request's path; it starts with a slash.",
    )
    retries: Annotated[int, Field(ge=0, le=32767)] = Field(
        default=5, description="How often a request is tried again when a connection fails."
    )
    connect_timeout: Milliseconds = Field(
        default=60000, description="How long connecting may take, in milliseconds."
    )
    write_timeout: Milliseconds = Field(
        default=60000,
        description="How long may pass between two writes to the upstream, in milliseconds.",
    )
    read_timeout: Milliseconds = Field(
        default=60000,
        description="How long may pass between two reads from the upstream, in milliseconds.",
    )
    client_certificate: Annotated[ForeignKey, Hint(reference="certificates")] | None = Field(
        default=None,
        description="The certificate that is shown to the upstream during the TLS handshake.",
    )
    tls_verify: bool | None = Field(
        default=None,
        description="Whether the upstream's certificate is verified; null leaves it to the "
        "gateway's own setting.",
    )
    tls_verify_depth: Annotated[int, Field(ge=0, le=64)] | None = Field(
        default=None, description="How long the upstream's certificate chain may be."
    )
    ca_certificates: Annotated[list[Uuid], Hint(set=True)] | None = Field(
        default=None,
        description="The CA certificates, by id, that the upstream's certificate is checked with.",
    )
    enabled: bool = Field(
        default=True,
        description="Whether the service takes part; routes of a disabled one are left out.",
    )

    @model_validator(mode="before")
    @classmethod
    def _split_url(cls, data: Any) -> Any:
        return split_url(data) if isinstance(data, Mapping) and "url" in data else data

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is set and must be null, by the protocol."""
        protocol = data.get("protocol") or "http"
        if protocol not in _PROTOCOLS:
            return [], {}
        unwanted = ["path"] if protocol in _PATHLESS else []
        if protocol not in _WITH_TLS:
            unwanted += _TLS_FIELDS
        fields = {name: "value must be null" for name in unwanted if data.get(name) is not None}
        return [_CONDITION] * len(fields), fields

    @model_validator(mode="after")
    def _check_protocol(self) -> Service:
        self.check_conditions()
        return self


SERVICES = EntityType(
    "services",
    "service",
    Service,
    endpoint_key="name",
    foreign={"client_certificate": "certificates"},
    foreign_lists={"ca_certificates": "ca_certificates"},
    unique=(("name",),),
    key_field="name",
)
