# SPDX-License-Identifier: Apache-2.0
"""The gateway as a user would start it: ``kafka-gateway run`` with a declarative file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.cases import API_KEY, TOKEN_ISSUER, public_jwk, public_key
from bench.processes import ServerProcess

_LIMIT = {"name": "rate-limiting", "config": {"minute": 1_000_000_000}}
"""Counted as any limit is, and never reached."""
_KEY = {"name": "key-auth"}
_METRICS = {
    "name": "prometheus",
    "config": {
        "per_consumer": True,
        "status_code_metrics": True,
        "latency_metrics": True,
        "bandwidth_metrics": True,
    },
}
_JWT = {"name": "jwt", "config": {"claims_to_verify": ["exp"]}}
COMMAND = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "kafka-gateway"


def configuration(
    routes: int,
    upstream: int,
    kafka: dict[str, Any],
    topic: str,
    version: int = 0,
    entries: str = "/dev/null",
) -> dict[str, Any]:
    """Return a decK document: the routes of the cases, and as many others as asked for.

    ``entries`` is the file of ``file-log``; on the port ``upstream`` is all that plugins ask.
    """
    host, _, port = kafka["bootstrap.servers"].rpartition(":")
    config = {
        "topic": topic,
        "bootstrap_servers": [{"host": host, "port": int(port)}],
        "authentication": {
            "strategy": "sasl",
            "mechanism": "PLAIN",
            "user": kafka["sasl.username"],
            "password": kafka["sasl.password"],
        },
        "security": {"ssl": kafka["security.protocol"] == "SASL_SSL"},
        "producer_request_acks": -1,
    }
    return {
        "_format_version": "3.0",
        "services": [
            {
                "name": "echo",
                "url": f"http://127.0.0.1:{upstream}",
                "routes": [{"name": "echo", "paths": ["/echo"]}],
            }
        ],
        "routes": [
            _producing("sync", {**config, "producer_async": False}),
            _producing("async", {**config, "producer_async": True}),
            *(
                _producing(name, {**config, "producer_async": False}, *plugins)
                for name, plugins in _policies(f"http://127.0.0.1:{upstream}", entries).items()
            ),
            *(
                {"name": f"route-{number}", "paths": [f"/route/{number}"], "tags": [f"v{version}"]}
                for number in range(routes)
            ),
        ],
        "consumers": [
            {
                "username": "bench",
                "keyauth_credentials": [{"key": API_KEY}],
                "jwt_secrets": [
                    {"key": TOKEN_ISSUER, "algorithm": "ES256", "rsa_public_key": public_key()}
                ],
            }
        ],
    }


def publications(port: int) -> dict[str, object]:
    """Return what the OpenID provider on a port has under which path."""
    return {
        "/.well-known/openid-configuration": {
            "issuer": TOKEN_ISSUER,
            "jwks_uri": f"http://127.0.0.1:{port}/jwks",
        },
        "/jwks": {"keys": [public_jwk()]},
    }


def _policies(others: str, entries: str) -> dict[str, tuple[dict[str, Any], ...]]:
    """Return the plugins before the record by route; ``others``: where they ask and tell."""
    provider = {
        "issuer": others,
        "auth_methods": ["bearer"],
        "consumer_claim": ["sub"],
        "consumer_by": ["username"],
    }
    batches = {"max_batch_size": 200, "max_coalescing_delay": 1}
    posting = {"http_endpoint": f"{others}/entries", "queue": batches}
    traces = {"traces_endpoint": f"{others}/v1/traces", "sampling_rate": 0.01}
    return {
        "guarded": (_KEY, _LIMIT, {"name": "correlation-id"}, {"name": "prometheus"}),
        "keyed": (_KEY,),
        "metered": (_KEY, _METRICS),
        "token": (_JWT,),
        "openid": ({"name": "openid-connect", "config": provider},),
        "filed": ({"name": "file-log", "config": {"path": entries}},),
        "posted": ({"name": "http-log", "config": posting},),
        "traced": ({"name": "opentelemetry", "config": traces},),
    }


def _producing(name: str, config: dict[str, Any], *policies: dict[str, Any]) -> dict[str, Any]:
    plugin = {"name": "kafka-upstream", "config": config}
    return {"name": name, "paths": [f"/{name}"], "plugins": [*policies, plugin]}


def node_environment(folder: Path, document: Path, listen: str) -> dict[str, str]:
    """Return the settings of a node with one worker that serves a document and nothing else."""
    return {
        "KONG_ROLE": "traditional",
        "KONG_DATABASE": "off",
        "KONG_DECLARATIVE_CONFIG": str(document),
        "KONG_PREFIX": str(folder / "prefix"),
        "KONG_PROXY_LISTEN": listen,
        "KONG_ADMIN_LISTEN": "off",
        "KONG_STATUS_LISTEN": "off",
        "KONG_NGINX_WORKER_PROCESSES": "1",
        "KONG_LOG_LEVEL": "warn",
    }


class Gateway:
    """One gateway process with its folder and file; ``swap`` gives it the next configuration."""

    def __init__(
        self,
        folder: Path,
        port: int,
        routes: int,
        upstream: int,
        kafka: dict[str, Any],
        topic: str,
        cores: list[int],
    ) -> None:
        folder.mkdir(parents=True)
        self._file = folder / "kong.json"
        self._arguments = (routes, upstream, kafka, topic)
        self._version = 0
        self._write()
        environment = {
            **node_environment(folder, self._file, f"127.0.0.1:{port}"),
            "KONG_LUA_SSL_TRUSTED_CERTIFICATE": kafka["ssl.ca.location"],
        }
        name = f"gateway-{routes}"
        self.process = ServerProcess(
            name, [str(COMMAND), "run"], port, environment, folder / "log", cores
        )

    def swap(self) -> None:
        """Write another version of the configuration and have it read."""
        self._version += 1
        self._write()
        self.process.hang_up()

    def _write(self) -> None:
        document = configuration(
            *self._arguments, self._version, str(self._file.with_name("entries"))
        )
        waiting = self._file.with_suffix(".new")
        waiting.write_text(json.dumps(document))
        waiting.replace(self._file)
