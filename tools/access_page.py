# SPDX-License-Identifier: Apache-2.0
"""The page of the reference that says who may do what."""

from __future__ import annotations

from collections.abc import Iterator

from components.config.access_roles import AWS_ROLES, RIGHTS, ClusterRule
from tools.markdown import WRITTEN, code, row, table


def access_page() -> Iterator[str]:
    """Yield the roles of people and jobs, and their policies."""
    yield "# Access"
    yield ""
    yield WRITTEN.format(source="components/config/access_roles.py")
    yield ""
    yield "What each role may do. `adminArns` administer the cluster; the two groups are the rights"
    yield "that `viewerArns` and `renewalArns` get there."
    yield ""
    yield from table("role", "for", "GitHub environment", "in the cluster", "session at most")
    for role in AWS_ROLES:
        places = ", ".join(code(name) for name in role.environments)
        hours = f"{role.session // 3600} h ({role.session} s)"
        yield row(code(role.variable), role.purpose, places, role.access, hours)
    yield ""
    for group, rights in RIGHTS.items():
        yield f"## {code(group)}"
        yield ""
        yield from table("where", "API groups", "resources", "verbs")
        for place, rules in (
            ("everywhere", rights.everywhere),
            ("the stack's namespace", rights.namespace),
            ("`kube-system`", rights.releases),
        ):
            yield from (_rule_row(place, rule) for rule in rules)
        yield ""
    yield "`create` and `patch` of viewers are for dry runs: the admission policy"
    yield "`kafka-gateway-viewers-dry-run` refuses them everything else."
    for role in AWS_ROLES:
        yield ""
        yield f"## {code(role.variable)}"
        yield ""
        yield f"Trust, with `--max-session-duration {role.session}`:"
        yield from ("", "```json", *role.trust().splitlines(), "```", "")
        yield "Rights:"
        yield from ("", "```json", *role.policy().splitlines(), "```")


def _rule_row(place: str, rule: ClusterRule) -> str:
    groups = ", ".join(code(name or "core") for name in rule.groups)
    return row(place, groups, ", ".join(rule.resources), ", ".join(rule.verbs))
