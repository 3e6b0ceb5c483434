# SPDX-License-Identifier: Apache-2.0
"""Upstreams: names for several targets that share the requests to a service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Conditions, Entity, EntityType, Hint, failed_condition
from gateway.entities.healthchecks import Healthchecks
from gateway.entities.hosts import check_host_with_port, read_host, split_port, with_target_port
from gateway.entities.types import ForeignKey, HeaderName, UrlPath, invalid

HashOn = Literal["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]

_NEEDS = {
    "header": "hash_on_header",
    "cookie": "hash_on_cookie",
    "query_arg": "hash_on_query_arg",
    "uri_capture": "hash_on_uri_capture",
}
_FALLBACK_NEEDS = {
    "header": "hash_fallback_header",
    "cookie": "hash_on_cookie",
    "query_arg": "hash_fallback_query_arg",
    "uri_capture": "hash_fallback_uri_capture",
}
_FALLBACKS: dict[str, tuple[str, ...]] = {
    "none": ("none",),
    "cookie": ("none",),
    **{
        alone: tuple(name for name in get_args(HashOn) if name != alone)
        for alone in ("consumer", "ip", "path")
    },
}
"""What ``hash_fallback`` may be, by ``hash_on``; anything for the others."""
_DISTINCT = (
    ("hash_on_header", "hash_fallback_header"),
    ("hash_on_query_arg", "hash_fallback_query_arg"),
    ("hash_on_uri_capture", "hash_fallback_uri_capture"),
)
_NO_TOKEN = re.compile(r"[\x00-\x20\x7f-\U0010ffff()<>@,;:\\\"/?={}\[\]]")


def _upstream_name(value: str) -> str:
    found = read_host(value)
    if found.problem and found.kind == "name":
        raise invalid("Invalid name; must be a valid hostname")
    if found.kind != "name":
        raise invalid("Invalid name; no ip addresses allowed")
    if found.port is not None:
        raise invalid("Invalid name; no port allowed")
    return value


def _host_header(value: str) -> str:
    problem = check_host_with_port(value)
    if problem:
        raise invalid(problem)
    return value


def _cookie_name(value: str) -> str:
    if _NO_TOKEN.search(value):
        raise invalid(
            "contains one or more invalid characters. ASCII control characters (0-31;127), space, "
            'tab and the characters ()<>@,;:\\"/?={}[] are not allowed.'
        )
    return value


def _target(value: str) -> str:
    if read_host(value).problem:
        raise invalid(f"Invalid target ('{value}'); not a valid hostname or ip address")
    return _with_port(value)


def _with_port(value: str) -> str:
    return value if split_port(value)[1] is not None else with_target_port(value)


class Upstream(Entity):
    """A virtual host name whose requests are shared out among targets."""

    name: Annotated[str, AfterValidator(_upstream_name), Hint(unique=True)] = Field(
        description="The unique host name under which services refer to the upstream."
    )
    algorithm: Literal["consistent-hashing", "least-connections", "round-robin", "latency"] = Field(
        default="round-robin", description="How a target is chosen for a request."
    )
    hash_on: HashOn = Field(
        default="none",
        description="What of a request is hashed; anything but `none` means consistent hashing.",
    )
    hash_fallback: HashOn = Field(
        default="none", description="What is hashed when a request does not have the first."
    )
    hash_on_header: HeaderName | None = Field(
        default=None, description="The header that is hashed when `hash_on` is `header`."
    )
    hash_fallback_header: HeaderName | None = Field(
        default=None, description="The header that is hashed when `hash_fallback` is `header`."
    )
    hash_on_cookie: Annotated[str, AfterValidator(_cookie_name)] | None = Field(
        default=None, description="The cookie that is hashed; it is set when a request has none."
    )
    hash_on_cookie_path: UrlPath = Field(
        default="/", description="The path of the cookie that is set."
    )
    hash_on_query_arg: str | None = Field(
        default=None, description="The query argument hashed when `hash_on` is `query_arg`."
    )
    hash_fallback_query_arg: str | None = Field(
        default=None, description="The query argument hashed when `hash_fallback` is `query_arg`."
    )
    hash_on_uri_capture: str | None = Field(
        default=None, description="The group of the route's regular expression that is hashed."
    )
    hash_fallback_uri_capture: str | None = Field(
        default=None, description="The group that is hashed when a request does not have the first."
    )
    slots: Annotated[int, Field(ge=10, le=65536)] = Field(
        default=10000, description="How many slots the ring has that targets share."
    )
    healthchecks: Healthchecks = Field(
        default_factory=Healthchecks, description="How it is found out which targets are healthy."
    )
    host_header: Annotated[str, AfterValidator(_host_header)] | None = Field(
        default=None, description="The Host header sent to targets instead of their own names."
    )
    client_certificate: Annotated[ForeignKey, Hint(reference="certificates")] | None = Field(
        default=None, description="The certificate that is shown to targets."
    )
    use_srv_name: bool = Field(
        default=False, description="Whether the names in SRV records are sent as Host."
    )

    @model_validator(mode="before")
    @classmethod
    def _hashing(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("hash_on") not in (None, "none"):
            return {**data, "algorithm": "consistent-hashing"}
        return data

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what of the hashing is missing, and what cannot be together."""
        on, fallback = data.get("hash_on") or "none", data.get("hash_fallback") or "none"
        checks: list[str] = []
        fields: dict[str, str] = {}
        for field, value, needs in (
            ("hash_on", on, _NEEDS),
            ("hash_fallback", fallback, _FALLBACK_NEEDS),
        ):
            needed = needs.get(value) if isinstance(value, str) else None
            if needed is not None and data.get(needed) is None:
                fields[needed] = "required field missing"
                checks.append(failed_condition(field))
        allowed = _FALLBACKS.get(on) if isinstance(on, str) else None
        if allowed is not None and fallback not in allowed:
            fields["hash_fallback"] = f"expected one of: {', '.join(allowed)}"
            checks.append(failed_condition("hash_on"))
        for pair in _DISTINCT:
            values = [data.get(name) for name in pair]
            if values[0] and values[0] == values[1]:
                names = ", ".join(f"'{name}'" for name in pair)
                checks.append(f"values of these fields must be distinct: {names}")
        return checks, fields

    @model_validator(mode="after")
    def _check_hashing(self) -> Upstream:
        self.check_conditions()
        return self


class Target(Entity):
    """One host and port of an upstream."""

    target: Annotated[str, AfterValidator(_target)] = Field(
        description="The host and port; port 8000 when none is written."
    )
    weight: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=100, description="The share of requests relative to other targets; 0 is none."
    )
    upstream: Annotated[ForeignKey, Hint(reference="upstreams")] = Field(
        description="The upstream that the target belongs to."
    )


UPSTREAMS = EntityType(
    "upstreams",
    "upstream",
    Upstream,
    endpoint_key="name",
    foreign={"client_certificate": "certificates"},
    unique=(("name",),),
    key_field="name",
)
TARGETS = EntityType(
    "targets",
    "target",
    Target,
    endpoint_key="target",
    foreign={"upstream": "upstreams"},
    unique=(("upstream", "target"),),
    key_field="target",
    parents=("upstream",),
    cascade=frozenset({"upstream"}),
    as_named=_with_port,
)
