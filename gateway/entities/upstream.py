# SPDX-License-Identifier: Apache-2.0
"""Upstreams: names for several targets that share the requests to a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, violation
from gateway.entities.healthchecks import Healthchecks
from gateway.entities.hosts import check_host, is_address, split_port
from gateway.entities.types import ForeignKey, NonEmpty, UrlPath, invalid

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


def _upstream_name(value: str) -> str:
    if is_address(value):
        raise invalid("Invalid name; no ip addresses allowed")
    problem = check_host(value, port=False, wildcard=False)
    if problem:
        raise invalid(f"Invalid name; {problem}")
    return value


def _host_header(value: str) -> str:
    problem = check_host(value, port=True, wildcard=False)
    if problem:
        raise invalid(problem)
    return value


def _target(value: str) -> str:
    problem = check_host(value, port=True, wildcard=False)
    if problem:
        raise invalid(f"Invalid target; not a valid hostname or ip address: {problem}")
    host, port = split_port(value)
    if port is not None:
        return value
    return f"[{host}]:8000" if ":" in host else f"{host}:8000"


class Upstream(Entity):
    """A virtual host name whose requests are shared out among targets."""

    name: Annotated[str, AfterValidator(_upstream_name), Hint(unique=True)] = Field(
        description="The unique host name under which services refer to the upstream."
    )
    algorithm: Literal["round-robin", "consistent-hashing", "least-connections", "latency"] = Field(
        default="round-robin", description="How a target is chosen for a request."
    )
    hash_on: HashOn = Field(
        default="none",
        description="What of a request is hashed; anything but `none` means consistent hashing.",
    )
    hash_fallback: HashOn = Field(
        default="none", description="What is hashed when a request does not have the first."
    )
    hash_on_header: NonEmpty | None = Field(
        default=None, description="The header that is hashed when `hash_on` is `header`."
    )
    hash_fallback_header: NonEmpty | None = Field(
        default=None, description="The header that is hashed when `hash_fallback` is `header`."
    )
    hash_on_cookie: NonEmpty | None = Field(
        default=None, description="The cookie that is hashed; it is set when a request has none."
    )
    hash_on_cookie_path: UrlPath = Field(
        default="/", description="The path of the cookie that is set."
    )
    hash_on_query_arg: NonEmpty | None = Field(
        default=None, description="The query argument hashed when `hash_on` is `query_arg`."
    )
    hash_fallback_query_arg: NonEmpty | None = Field(
        default=None, description="The query argument hashed when `hash_fallback` is `query_arg`."
    )
    hash_on_uri_capture: NonEmpty | None = Field(
        default=None, description="The group of the route's regular expression that is hashed."
    )
    hash_fallback_uri_capture: NonEmpty | None = Field(
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

    @model_validator(mode="after")
    def _check_hashing(self) -> Upstream:
        fields = {}
        for value, needs in ((self.hash_on, _NEEDS), (self.hash_fallback, _FALLBACK_NEEDS)):
            needed = needs.get(value)
            if needed is not None and getattr(self, needed) is None:
                fields[needed] = "required field missing"
        if fields:
            text = "failed conditional validation given value of field 'hash_on'"
            raise violation([text], fields)
        self._check_fallback()
        return self

    def _check_fallback(self) -> None:
        if self.hash_on in ("none", "cookie") and self.hash_fallback != "none":
            text = f"expected 'none' when 'hash_on' is '{self.hash_on}'"
            raise violation([], {"hash_fallback": text})
        same = self.hash_on == self.hash_fallback
        if same and self.hash_on in ("consumer", "ip", "path"):
            raise violation([], {"hash_fallback": "must differ from 'hash_on'"})
        if same and self.hash_on == "header" and self.hash_on_header == self.hash_fallback_header:
            raise violation([], {"hash_fallback_header": "must differ from 'hash_on_header'"})


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
)
