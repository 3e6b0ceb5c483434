# SPDX-License-Identifier: Apache-2.0
"""Calls of the Admin API made by schemathesis from its OpenAPI, and what is wrong with answers."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.waiting import PATIENCE

ENOUGH = 200
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@dataclass
class Attack:
    """What was called, and what was found."""

    calls: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def attack(
    url: str,
    document: Mapping[str, Any],
    headers: Mapping[str, str],
    known: Mapping[str, list[str]],
    seconds: float,
    number: int,
) -> Attack:
    """Call operations in an order drawn from the seed ``number``, for so many seconds.

    A machine that is busy takes longer: ``ENOUGH`` calls are made before any time is up.

    ``known`` has keys of entities that exist, by collection: most calls have one of them.
    """
    drawn = random.Random(number)
    found = Attack()
    end = time.monotonic() + seconds
    schema = schemathesis.openapi.from_dict(dict(document))
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    drawn.shuffle(operations)

    def call(case: Any) -> None:
        if time.monotonic() > end and found.calls > ENOUGH:
            return
        for name in case.path_parameters or ():
            keys = known.get(case.path.split("/")[1], [])
            if keys and drawn.random() < 0.8:
                case.path_parameters[name] = drawn.choice(keys)
        response = case.call(base_url=url, headers=dict(headers), timeout=PATIENCE)
        found.calls += 1
        found.operations.add(f"{case.method} {case.path}")
        found.statuses[response.status_code] = found.statuses.get(response.status_code, 0) + 1
        try:
            case.validate_response(response, checks=CHECKS)
        except (FailureGroup, Failure) as error:
            for one in getattr(error, "exceptions", [error]):
                label = f"{type(one).__name__} {case.method} {case.path} {response.status_code}"
                text = f"{one}\n{case.as_curl_command()}\n{response.text[:500]}"
                found.problems.setdefault(label, text)

    for operation in operations:
        if time.monotonic() > end and found.calls > ENOUGH:
            break
        run = given(case=operation.as_strategy())(call)
        run = settings(
            max_examples=4,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(run)
        seed(number)(run)()
    return found
