# SPDX-License-Identifier: Apache-2.0
"""Vectors of normalisation, escaping, path handling and route validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from gateway.routing.normalise import escape, normalise
from gateway.routing.router import Router
from tests.support.requests import route_row, subject_of

Outcome = tuple[str, str | None]


def replay_normalise(document: dict[str, Any]) -> Iterator[Outcome]:
    """Normalise ``in``; the result stands in ``out``, or escaped in ``out_bytes_escaped``."""
    for vector in document["normalise"]:
        found = normalise(vector["in"].encode(), merge=vector["merge"])
        if "out" in vector:
            yield vector["in"], _compared(found, vector["out"].encode())
        else:
            expected = vector["out_bytes_escaped"].encode()
            yield vector["in"], _compared(escape(found), expected)


def replay_escape(document: dict[str, Any]) -> Iterator[Outcome]:
    """Escape ``in`` for the upstream."""
    for vector in document["escape"]:
        yield vector["in"], _compared(escape(vector["in"].encode()), vector["out"].encode())


def replay_path_handling(document: dict[str, Any]) -> Iterator[Outcome]:
    """Route each request with one route, and compare the upstream path; v1 is not ours."""
    for vector in document["path_handling"]:
        if vector["path_handling"] != "v0":
            continue
        label = "{service_path} {route_path} {request} strip={strip_path}".format_map(vector)
        paths = None if vector["route_path"] is None else [vector["route_path"]]
        row = route_row(
            paths=paths,
            hosts=["localbin.test"],
            strip_path=vector["strip_path"],
            service_path=vector["service_path"],
        )
        path = normalise(vector["request"].encode())
        match = Router([row]).find(subject_of(path=path, host=b"localbin.test"))
        if match is None:
            yield label, "no route matches"
        else:
            yield label, _compared(match.upstream_path, vector["upstream_path"].encode())


def replay_schema_routes(document: dict[str, Any]) -> Iterator[Outcome]:
    """Validate each route; a text that ends in ``…`` is only the beginning of ours."""
    for vector in document["schema_routes"]:
        found: Mapping[str, Any] | None = None
        try:
            validate_row("routes", vector["route"])
        except SchemaViolation as violation:
            found = violation.fields
        fits = _fits(found, vector["error"])
        yield str(vector["route"]), None if fits else f"answered {found}, not {vector['error']}"


def _compared(found: bytes, expected: bytes) -> str | None:
    return None if found == expected else f"gives {found!r}, not {expected!r}"


def _fits(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return (
            isinstance(found, Mapping)
            and found.keys() == expected.keys()
            and all(_fits(found[key], value) for key, value in expected.items())
        )
    if isinstance(expected, str) and expected.endswith("…"):
        return isinstance(found, str) and found.startswith(expected[:-1].rstrip())
    return bool(found == expected)
