# SPDX-License-Identifier: Apache-2.0
"""The policy pack: hands every resource to the rules. `pulumi preview --policy-pack policies`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

# The engine starts a pack with its own folder on the path; the rules use the project's versions.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from rules import RULES, PlannedResource, Rule, stack_of


def validator(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """Return the rule in the form that the policy SDK calls."""

    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        resource = PlannedResource(
            type=args.resource_type,
            name=args.name,
            stack=stack_of(args.urn),
            properties=plain(args.props),
            protect=bool(args.opts and args.opts.protect),
        )
        for sentence in rule.check(resource, datetime.now(UTC).date()):
            report_violation(sentence, None)

    return validate


def plain(value: Any) -> Any:
    """Return properties without the SDK's proxies, which raise at every unknown value.

    ``__target`` is the SDK's own way past them; the values are its markers then (rules.UNKNOWNS).
    """
    try:
        target = value["__target"]
    except (KeyError, TypeError, IndexError):
        target = value
    if isinstance(target, dict):
        return {name: plain(item) for name, item in target.items()}
    return [plain(item) for item in target] if isinstance(target, list) else target


PolicyPack(
    name="kafka-gateway",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name=rule.name,
            description=rule.description,
            validate=validator(rule),
            enforcement_level=(
                EnforcementLevel.MANDATORY if rule.mandatory else EnforcementLevel.ADVISORY
            ),
        )
        for rule in RULES
    ],
)
