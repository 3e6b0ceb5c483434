# SPDX-License-Identifier: Apache-2.0
"""The settings for traces of the gateway itself, and OpenTelemetry's own names for them.

Those of requests are the plugin ``opentelemetry``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gateway.settings.declaration import setting
from gateway.settings.parsers import items, plain

_SUFFIX = "/v1/traces"
_HTTP, _GRPC = ("", "http/protobuf"), "grpc"
_SCHEMES = ("http", "https", "grpc", "grpcs")


def receiver(value: str) -> str | None:
    """Parse the URL of a receiver; an empty one is absent."""
    text = value.strip()
    if text:
        parts = urlsplit(text)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError(
                "expected a URL such as http://collector:4318/v1/traces or grpc://collector:4317"
            )
    return text or None


def pairs(value: str) -> dict[str, str]:
    """Parse ``name=value,…`` with percent-encoded values, as W3C Baggage has it."""
    found = {}
    for item in items(value):
        name, equals, content = item.partition("=")
        if not equals or not name.strip():
            # The item stays out: it may be a secret.
            raise ValueError("expected name=value, several separated by commas")
        found[unquote(name.strip())] = unquote(content.strip())
    return found


@dataclass(frozen=True)
class TracingSettings:
    """Where spans of publishes and of switches go."""

    # Traces of the gateway itself.
    traces_endpoint: str | None = setting(receiver, "", own=True)
    """Receiver (OTLP: over HTTP, a URL with its path; over gRPC, `grpc://` or with TLS `grpcs://`,
    which needs the extra `kafka-gateway[otlp-grpc]`) of a span for each publish of a control plane
    and each switch of a data plane; empty: none are recorded. Without it
    `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` holds, or `OTEL_EXPORTER_OTLP_ENDPOINT` and /v1/traces."""
    traces_headers: Mapping[str, str] = setting(pairs, "", own=True, secret=True)
    """Headers for it, as name=value, several by commas, values percent-encoded; else
    `OTEL_EXPORTER_OTLP_TRACES_HEADERS` or `OTEL_EXPORTER_OTLP_HEADERS`."""
    traces_resource_attributes: Mapping[str, str] = setting(pairs, "", own=True)
    """Attributes of the resource, in the same form, over those we set (`service.name` and others);
    else `OTEL_RESOURCE_ATTRIBUTES` with `OTEL_SERVICE_NAME`."""
    traces_ca: str | None = setting(plain, "", own=True)
    """A file with the receiver's authority; empty: the system's. Else
    `OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE` or `OTEL_EXPORTER_OTLP_CERTIFICATE`."""


def standard_tracing(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of the settings above that OpenTelemetry's variables give.

    Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter" and "Environment
    Variable Specification". None where they switch traces off, or name another protocol.
    """

    def read(name: str) -> str:
        given = environment.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "").strip()
        return given or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()

    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() not in ("", "otlp"):
        return {}
    endpoint = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    protocol = read("PROTOCOL")
    if protocol == _GRPC:
        endpoint = _as_grpc(endpoint or base, plain=read("INSECURE").lower() == "true")
    elif not endpoint and base:
        endpoint = base.rstrip("/") + _SUFFIX
    if not endpoint or protocol not in (*_HTTP, _GRPC):
        return {}
    attributes = environment.get("OTEL_RESOURCE_ATTRIBUTES", "").strip()
    service = environment.get("OTEL_SERVICE_NAME", "").strip()
    found = {
        "traces_endpoint": endpoint,
        "traces_headers": read("HEADERS"),
        "traces_ca": read("CERTIFICATE"),
        # Of two the last one wins, and the name of its own variable does.
        "traces_resource_attributes": ",".join(
            [*([attributes] if attributes else []), *([f"service.name={service}"] * bool(service))]
        ),
    }
    return {name: text for name, text in found.items() if text}


def _as_grpc(endpoint: str, *, plain: bool) -> str:
    """Return an endpoint with the scheme for gRPC: http is without TLS, https with it.

    One without a scheme has TLS unless OTEL_EXPORTER_OTLP_INSECURE is true.
    """
    scheme, found, rest = endpoint.rpartition("://")
    secure = scheme == "https" if found else not plain
    return f"grpc{'s' if secure else ''}://{rest}" if rest else ""
