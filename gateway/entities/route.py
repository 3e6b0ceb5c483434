# SPDX-License-Identifier: Apache-2.0
"""Routes: which requests are taken, and for which service (Kong 3.10 ``entities/routes.lua``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, StrictModel, violation
from gateway.entities.hosts import check_host
from gateway.entities.paths import check_route_path
from gateway.entities.types import (
    ForeignKey,
    Name,
    NonEmpty,
    Port,
    Protocol,
    invalid,
)
from gateway.entities.versions import by_version

_HTTP = ("methods", "hosts", "headers", "paths")
_GRPC = ("hosts", "headers", "paths")
_STREAM = ("sources", "destinations", "snis")
_ONE_OF: dict[str, tuple[str, ...]] = {
    "http": _HTTP,
    "https": (*_HTTP, "snis"),
    "grpc": _GRPC,
    "grpcs": (*_GRPC, "snis"),
    "tcp": _STREAM,
    "tls": _STREAM,
    "udp": _STREAM,
    "tls_passthrough": ("snis",),
}
"""Of these attributes a route needs at least one, by protocol."""

_GROUPS = (
    frozenset({"http", "https"}),
    frozenset({"tcp", "tls", "udp"}),
    frozenset({"tls_passthrough"}),
    frozenset({"grpc", "grpcs"}),
)
_SNI = frozenset({"https", "grpcs", "tls", "tls_passthrough"})


def _method(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.isupper()):
        raise invalid(f"invalid value: {value}")
    return value


def _host(value: str) -> str:
    problem = check_host(value, port=True, wildcard=True)
    if problem:
        raise invalid(problem)
    return value


def _sni(value: str) -> str:
    problem = check_host(value.removesuffix("."), port=False, wildcard=True)
    if problem:
        raise invalid(problem)
    return value


def _path(value: str) -> str:
    problem = check_route_path(value)
    if problem:
        raise invalid(problem)
    return value


def _header_names(value: dict[str, list[str]]) -> dict[str, list[str]]:
    for name in value:
        if name.lower() == "host":
            raise invalid("cannot contain 'host' header, which must be specified in 'hosts'")
    return value


class Endpoint(StrictModel):
    """An address, a port, or both, of a stream connection."""

    ip: str | None = Field(default=None, description="An IP address or a CIDR range.")
    port: Port | None = Field(default=None, description="A port number, from 0 to 65535.")

    @model_validator(mode="after")
    def _check(self) -> Endpoint:
        if self.ip is None and self.port is None:
            raise violation(["at least one of these fields must be non-empty: 'ip', 'port'"])
        return self


class Route(Entity):
    """A rule that picks requests by host, path, method, header or SNI for a service."""

    name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="The route's unique name."
    )
    protocols: Annotated[list[Protocol], Field(min_length=1), Hint(set=True)] = by_version(
        # In Kong's order, which clients compare.
        ["http", "https"],
        ["https"],
        description="The protocols that the route serves; a request over another one is told "
        "to change to them.",
    )
    methods: Annotated[list[Annotated[str, AfterValidator(_method)]], Hint(set=True)] | None = (
        Field(default=None, description="The HTTP methods that match, in upper case.")
    )
    hosts: list[Annotated[str, AfterValidator(_host)]] | None = Field(
        default=None,
        description="The hosts that match; one `*` may stand for the first or the last label, "
        "and a port may follow.",
    )
    paths: list[Annotated[str, AfterValidator(_path)]] | None = Field(
        default=None,
        description="The paths that match: a prefix starting with `/`, or a regular expression "
        "starting with `~/`.",
    )
    headers: (
        Annotated[
            dict[str, Annotated[list[NonEmpty], Field(min_length=1)]],
            AfterValidator(_header_names),
        ]
        | None
    ) = Field(
        default=None,
        description="Header names, each with the values of which one must be present; a value "
        "starting with `~*` is a regular expression.",
    )
    snis: Annotated[list[Annotated[str, AfterValidator(_sni)]], Hint(set=True)] | None = Field(
        default=None, description="The server names of the TLS handshake that match."
    )
    sources: Annotated[list[Endpoint], Hint(set=True)] | None = Field(
        default=None, description="The client addresses that match, for stream routes."
    )
    destinations: Annotated[list[Endpoint], Hint(set=True)] | None = Field(
        default=None, description="The destination addresses that match, for stream routes."
    )
    https_redirect_status_code: Literal[426, 301, 302, 307, 308] = Field(
        default=426,
        description="The status of the response to a plain HTTP request to an HTTPS-only route.",
    )
    regex_priority: int = Field(
        default=0,
        description="Which of several matching regular expressions wins: the greatest number.",
    )
    path_handling: Literal["v0", "v1"] = Field(
        default="v0",
        description="How service path and request path are joined; v1 is accepted and treated "
        "like v0, as Kong's default router does.",
    )
    strip_path: bool = Field(
        default=True,
        description="Whether the matched part of the path is removed before the request is "
        "sent on; false for gRPC.",
    )
    preserve_host: bool = Field(
        default=False, description="Whether the request's own Host header is sent on."
    )
    request_buffering: bool = Field(
        default=True, description="Whether a request body is read whole before it is sent on."
    )
    response_buffering: bool = Field(
        default=True, description="Whether a response body is read whole before it is sent on."
    )
    service: Annotated[ForeignKey, Hint(reference="services")] | None = Field(
        default=None, description="The service that requests are sent to."
    )

    @model_validator(mode="before")
    @classmethod
    def _grpc_keeps_its_path(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("strip_path") is not None:
            return data
        return {**data, "strip_path": False} if is_grpc(data.get("protocols")) else data

    @model_validator(mode="after")
    def _check_attributes(self) -> Route:
        protocols = set(self.protocols)
        if not any(protocols <= group for group in _GROUPS):
            text = (
                "('http', 'https'), ('tcp', 'tls', 'udp'), ('tls_passthrough'), ('grpc', 'grpcs')"
            )
            raise violation([], {"protocols": f"must stay inside one of these groups: {text}"})
        fields = self._forbidden(protocols)
        if fields:
            text = "failed conditional validation given value of field 'protocols'"
            raise violation([text], fields)
        protocol = _first_with_most(self.protocols)
        allowed = _ONE_OF[protocol]
        if not any(getattr(self, name) for name in allowed):
            names = ", ".join(f"'{name}'" for name in allowed)
            one = f"must set one of {names}" if len(allowed) > 1 else f"must set {names}"
            raise violation([f"{one} when 'protocols' is '{protocol}'"])
        return self

    def _forbidden(self, protocols: set[Protocol]) -> dict[str, str]:
        """Return the fields that are set but make no sense with these protocols."""
        unwanted: list[str] = []
        if protocols <= _GROUPS[3]:
            unwanted += ["methods", "sources", "destinations"]
        elif protocols <= _GROUPS[0]:
            unwanted += ["sources", "destinations"]
        else:
            unwanted += _HTTP
        if not protocols & _SNI:
            unwanted.append("snis")
        fields = {name: "value must be null" for name in unwanted if getattr(self, name)}
        if protocols <= _GROUPS[3] and self.strip_path:
            fields["strip_path"] = "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'"
        return fields


def is_grpc(protocols: Any) -> bool:
    """Tell whether a route's protocols are gRPC's, whose paths are never stripped."""
    return (
        isinstance(protocols, list) and bool(protocols) and set(map(str, protocols)) <= _GROUPS[3]
    )


def _first_with_most(protocols: list[Any]) -> str:
    """Return the protocol that allows most attributes: http and https together are like https."""
    return str(max(protocols, key=lambda protocol: len(_ONE_OF[protocol])))


ROUTES = EntityType(
    "routes",
    "route",
    Route,
    endpoint_key="name",
    foreign={"service": "services"},
    unique=(("name",),),
    key_field="name",
    parents=("service",),
)
