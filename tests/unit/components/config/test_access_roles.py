# SPDX-License-Identifier: Apache-2.0
"""The roles, the workflows that take them and the guide say the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from components.cloud.confluent import KEY_TIMEOUTS
from components.cloud.eks import CLUSTER_TIMEOUTS
from components.cloud.nodes import NODE_TIMEOUTS
from components.config.access_roles import AWS_ROLES, RIGHTS, STACKS, VIEWERS, AwsRole
from components.config.reader import PROJECT_FILE

WORKFLOWS = PROJECT_FILE.parent / ".github" / "workflows"
GUIDE = (PROJECT_FILE.parent / "docs" / "operations.md").read_text()
BY_VARIABLE = {role.variable: role for role in AWS_ROLES}
MINUTES_AROUND = 20
"""What a job needs beside the update: tools before it, a preview after it."""


def jobs() -> list[tuple[str, AwsRole, dict[str, Any], dict[str, Any]]]:
    """Return each job that takes a role: its name, the role, the job and the step's inputs."""
    found = []
    for file in sorted(WORKFLOWS.glob("*.yml")):
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            for step in job.get("steps", ()):
                if "configure-aws-credentials" in step.get("uses", ""):
                    variable = re.search(r"vars\.(\w+)", step["with"]["role-to-assume"])
                    assert variable
                    role = BY_VARIABLE[variable[1]]
                    found.append((f"{file.stem}/{name}", role, job, step["with"]))
    return found


def minutes(text: str | None) -> int:
    assert text is not None
    assert text.endswith("m")
    return int(text[:-1])


def test_every_role_is_taken_by_a_job() -> None:
    assert {role.name for _, role, _, _ in jobs()} == {role.name for role in AWS_ROLES}


@pytest.mark.parametrize(
    ("role", "job", "inputs"), [pytest.param(r, j, i, id=name) for name, r, j, i in jobs()]
)
def test_a_session_is_as_long_as_its_role_allows_and_its_job_takes(
    role: AwsRole, job: dict[str, Any], inputs: dict[str, Any]
) -> None:
    session = inputs["role-duration-seconds"]
    assert session <= role.session <= 12 * 3600
    assert job["timeout-minutes"] * 60 <= session


def test_a_deployment_may_take_as_long_as_an_upgrade_of_kubernetes() -> None:
    (job,) = (job for _, role, job, _ in jobs() if role.name == "deploy")
    steps = minutes(CLUSTER_TIMEOUTS.update) + minutes(NODE_TIMEOUTS.update)
    assert job["timeout-minutes"] >= steps + minutes(KEY_TIMEOUTS.create) + MINUTES_AROUND
    assert job["timeout-minutes"] <= 360, "GitHub ends a job then"


def test_environments_of_a_job_are_those_that_its_role_trusts() -> None:
    for name, role, job, _ in jobs():
        wanted = job["environment"]
        if "${{" in wanted:
            prefix = wanted.partition("${{")[0]
            assert {f"{prefix}{stack}" for stack in STACKS} == set(role.environments), name
        else:
            assert wanted in role.environments, name


@pytest.mark.parametrize("role", AWS_ROLES, ids=lambda role: role.name)
def test_trust_names_environments_and_nothing_wider(role: AwsRole) -> None:
    (statement,) = json.loads(role.trust())["Statement"]
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert all(re.fullmatch(r"repo:OWNER/REPO:environment:[a-z-]+", one) for one in subjects)


def test_previews_only_read() -> None:
    (role,) = (role for role in AWS_ROLES if role.name == "preview")
    actions = [a for s in json.loads(role.policy())["Statement"] for a in s["Action"]]
    assert all(
        re.fullmatch(r"\w+:(Describe|Get|List)[\w*]*|kms:Decrypt", action) for action in actions
    )
    rights = RIGHTS[VIEWERS]
    for rule in (*rights.everywhere, *rights.namespace, *rights.releases):
        assert not {"update", "delete", "escalate", "bind", "*"} & set(rule.verbs)


def test_the_guide_names_every_variable_and_the_table() -> None:
    for role in AWS_ROLES:
        assert role.variable in GUIDE
    assert "reference/access.md" in GUIDE
