# SPDX-License-Identifier: Apache-2.0
"""The policy pack: hands every resource to the rules. `pulumi preview --policy-pack policies`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from rules import RULES, Resource, Rule


def validator(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """Return the rule in the form that the policy SDK calls."""

    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        resource = Resource(
            type=args.resource_type,
            name=args.name,
            stack=pulumi.get_stack(),
            properties=plain(args.props),
            protect=bool(args.opts and args.opts.protect),
        )
        for sentence in rule.check(resource, datetime.now(UTC).date()):
            report_violation(sentence, None)

    return validate


def plain(props: Any) -> dict[str, Any]:
    """Return properties without the SDK's proxy, which raises at every unknown value."""
    try:
        return dict(props["__target"])
    except KeyError:
        return dict(props)


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
