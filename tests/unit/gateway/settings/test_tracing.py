# SPDX-License-Identifier: Apache-2.0
"""Where spans of the gateway itself go: by our settings, else by OpenTelemetry's variables."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.settings.settings import Settings
from gateway.settings.sources import collect
from gateway.settings.tracing import standard_tracing

ALL = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


def settings(**environment: str) -> Settings:
    return Settings.from_values(collect(environment))


def test_nothing_is_recorded_without_a_receiver() -> None:
    assert settings().traces_endpoint is None
    assert settings(OTEL_SERVICE_NAME="gateway").traces_resource_attributes == {}


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({ALL: "http://c:4318"}, "http://c:4318/v1/traces"),
        ({ALL: "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({ALL: "https://c/otlp"}, "https://c/otlp/v1/traces"),
        ({TRACES: "http://c:4318/here"}, "http://c:4318/here"),
        ({TRACES: "http://c/here", ALL: "http://other"}, "http://c/here"),
        ({ALL: "http://c", "KAFKA_GATEWAY_TRACES_ENDPOINT": "http://own/v1/traces"},
         "http://own/v1/traces"),
        ({ALL: "http://c", "OTEL_SDK_DISABLED": "true"}, None),
        ({ALL: "http://c", "OTEL_TRACES_EXPORTER": "none"}, None),
        ({ALL: "http://c", "OTEL_TRACES_EXPORTER": "otlp"}, "http://c/v1/traces"),
        ({ALL: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc://c:4317"),
        ({ALL: "https://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpcs://c"),
        ({ALL: "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpcs://c:4317"),
        ({ALL: "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
          "OTEL_EXPORTER_OTLP_INSECURE": "true"}, "grpc://c:4317"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        ({ALL: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, None),
        ({ALL: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
          "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, "http://c/v1/traces"),
        ({ALL: "  "}, None),
    ],
)  # fmt: skip
def test_the_receiver_is_the_most_particular_one_named(
    environment: dict[str, str], url: str | None
) -> None:
    assert settings(**environment).traces_endpoint == url


def test_headers_attributes_and_authority_follow_the_standard_variables() -> None:
    found = settings(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://c",
        OTEL_EXPORTER_OTLP_HEADERS="api-key=all",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Basic%20eA%3D%3D, x-scope=a",
        OTEL_EXPORTER_OTLP_CERTIFICATE="/ca.pem",
        OTEL_RESOURCE_ATTRIBUTES="service.name=one,deployment.environment=test",
        OTEL_SERVICE_NAME="two",
    )
    assert found.traces_headers == {"Authorization": "Basic eA==", "x-scope": "a"}
    assert found.traces_resource_attributes == {
        "service.name": "two",
        "deployment.environment": "test",
    }
    assert found.traces_ca == "/ca.pem"


def test_headers_stay_out_of_what_is_shown_and_out_of_errors() -> None:
    found = settings(KAFKA_GATEWAY_TRACES_HEADERS="api-key=planted-secret")
    assert found.traces_headers == {"api-key": "planted-secret"}
    assert "planted-secret" not in repr(found)
    with pytest.raises(SettingsError) as caught:
        settings(KAFKA_GATEWAY_TRACES_HEADERS="planted-secret")
    assert "KAFKA_GATEWAY_TRACES_HEADERS: expected name=value" in str(caught.value)
    assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["collector:4318", "ftp://c:4317", "http://", "grpc://", "/v1"])
def test_a_receiver_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="KAFKA_GATEWAY_TRACES_ENDPOINT: expected a URL"):
        settings(KAFKA_GATEWAY_TRACES_ENDPOINT=url)


def test_foreign_variables_are_left_alone() -> None:
    assert standard_tracing({"OTEL_METRICS_EXPORTER": "otlp", "PATH": "/bin"}) == {}
