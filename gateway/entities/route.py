# SPDX-License-Identifier: Apache-2.0
"""Routes: which requests are taken, and for which service (Kong 3.10 ``entities/routes.lua``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Conditions, Entity, EntityType, Hint, StrictModel, violation
from gateway.entities.hosts import check_route_host, check_server_name, is_address
from gateway.entities.paths import check_route_path
from gateway.entities.types import (
    ForeignKey,
    Name,
    Port,
    Protocol,
    check_header_name,
    invalid,
)
from gateway.entities.versions import by_version

_SETS = (("http", "https"), ("tcp", "tls", "udp"), ("tls_passthrough",), ("grpc", "grpcs"))
"""A route's protocols are all out of one of these."""
_GRPC_PROTOCOLS = frozenset({"grpc", "grpcs"})
_SNI = frozenset({"https", "grpcs", "tls", "tls_passthrough"})
_WHERE_SNIS = (
    "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"
)


@dataclass(frozen=True)
class NeededAttributes:
    """Attributes of which a route needs one, when its protocols are so."""

    one_of: tuple[str, ...]
    contains: str = ""
    """Holds when this is one of the protocols …"""
    within: frozenset[str] = frozenset()
    """… or, where that is empty, when all protocols are among these."""
    called: str = ""

    def holds_for(self, protocols: list[str]) -> bool:
        """Tell whether the rule is about these protocols."""
        return self.contains in protocols if self.contains else set(protocols) <= self.within

    @property
    def text(self) -> str:
        """What is said when none of the attributes is set."""
        names = ", ".join(f"'{name}'" for name in self.one_of)
        what = f"one of {names}" if len(self.one_of) > 1 else self.one_of[0]
        return f"must set {what} when 'protocols' is {self.called}"


@dataclass(frozen=True)
class ProtocolRules:
    """What routes of some protocols may not have, and what they need: the first rule that holds."""

    called: str
    forbidden: tuple[str, ...]
    needed: tuple[NeededAttributes, ...]

    def text(self, name: str) -> str:
        """What is said of an attribute that such a route may not have."""
        return f"cannot set '{name}' when 'protocols' is {self.called}"


_HTTP = ProtocolRules(
    "'http' or 'https'",
    ("sources", "destinations"),
    (
        NeededAttributes(
            ("methods", "hosts", "headers", "paths", "snis"), "https", called="'https'"
        ),
        NeededAttributes(("methods", "hosts", "headers", "paths"), "http", called="'http'"),
    ),
)
_STREAM = ProtocolRules(
    "'tcp', 'tls', 'tls_passthrough' or 'udp'",
    ("methods", "hosts", "paths", "headers"),
    (
        NeededAttributes(
            ("sources", "destinations", "snis"),
            within=frozenset({"tcp", "tls", "udp"}),
            called="'tcp', 'tls' or 'udp'",
        ),
        NeededAttributes(
            ("snis",), within=frozenset({"tls_passthrough"}), called="'tls_passthrough'"
        ),
    ),
)
_GRPC = ProtocolRules(
    "'grpc' or 'grpcs'",
    ("methods", "sources", "destinations"),
    (
        NeededAttributes(("hosts", "headers", "paths", "snis"), "grpcs", called="'grpcs'"),
        NeededAttributes(("hosts", "headers", "paths"), "grpc", called="'grpc'"),
    ),
)
_RULES = {
    **dict.fromkeys(("http", "https"), _HTTP),
    **dict.fromkeys(("tcp", "tls", "udp", "tls_passthrough"), _STREAM),
    **dict.fromkeys(("grpc", "grpcs"), _GRPC),
}


def _known(protocols: list[Any]) -> bool:
    return all(isinstance(protocol, str) and protocol in _RULES for protocol in protocols)


def _mixed(protocols: list[str]) -> str:
    """Return what is wrong with protocols of several sets, in the order of their appearance."""
    if len(protocols) < 2:
        return ""
    found = dict.fromkeys(next(one for one in _SETS if name in one) for name in protocols)
    if len(found) < 2:
        return ""
    shown = ", ".join("(" + ", ".join(f"'{name}'" for name in one) + ")" for one in found)
    return f"these sets are mutually exclusive: {shown}"


def _method(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.isupper()):
        raise invalid(f"invalid value: {value}")
    return value


def _host(value: str) -> str:
    problem = check_route_host(value)
    if problem:
        raise invalid(problem)
    return value


def _sni(value: str) -> str:
    problem = check_server_name(value)
    if problem:
        raise invalid(problem)
    return value


def _path(value: str) -> str:
    problem = check_route_path(value)
    if problem:
        raise invalid(problem)
    return value


def _header_name(value: str) -> str:
    if value.lower() == "host":
        raise invalid(
            "cannot contain 'host' header, which must be specified in the 'hosts' attribute"
        )
    return check_header_name(value)


def _network(value: str) -> str:
    address, slash, bits = value.partition("/")
    try:
        ip_network(value, strict=False)
        fits = is_address(address) and (not slash or (bits.isascii() and bits.isdigit()))
    except ValueError:
        fits = False
    if not fits:
        raise invalid(f"invalid ip or cidr range: '{value}'")
    return value


class Endpoint(StrictModel):
    """An address, a port, or both, of a stream connection."""

    ip: Annotated[str, AfterValidator(_network)] | None = Field(
        default=None, description="An IP address or a CIDR range."
    )
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
        dict[
            Annotated[str, AfterValidator(_header_name)],
            Annotated[list[str], Field(min_length=1)],
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

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what the protocols forbid, and what they need (Kong's ``routes_subschemas.lua``).

        The first of the protocols says which of the rules hold.
        """
        protocols = data.get("protocols")
        if protocols is None:
            protocols = cls.model_fields["protocols"].get_default(call_default_factory=True)
        if not isinstance(protocols, list) or not protocols or not _known(protocols):
            return [], {}
        rules = _RULES[protocols[0]]
        checks: list[str] = []
        fields = {name: rules.text(name) for name in rules.forbidden if data.get(name) is not None}
        if rules is _GRPC and data.get("strip_path") is True:
            fields["strip_path"] = rules.text("strip_path")
        if text := _mixed(protocols):
            fields["protocols"] = text
        if data.get("snis") and not set(protocols) & _SNI:
            checks.append(_WHERE_SNIS)
            fields["snis"] = "length must be 0"
        for needed in rules.needed:
            if needed.holds_for(protocols):
                if not any(data.get(name) for name in needed.one_of):
                    checks.append(needed.text)
                break
        return checks, fields

    @model_validator(mode="after")
    def _check_attributes(self) -> Route:
        self.check_conditions()
        return self


def is_grpc(protocols: Any) -> bool:
    """Tell whether a route's protocols are gRPC's, whose paths are never stripped."""
    return (
        isinstance(protocols, list)
        and bool(protocols)
        and set(map(str, protocols)) <= _GRPC_PROTOCOLS
    )


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
