# SPDX-License-Identifier: Apache-2.0
"""What a workflow may never do, whatever it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
NAMES = [file.name for file in WORKFLOWS]

# Every right beyond reading the source, and which job needs it.
GRANTED = {
    ("preview.yml", "preview", "id-token"),
    ("preview.yml", "comment", "pull-requests"),
    ("deploy.yml", "dev", "id-token"),
    ("deploy.yml", "staging", "id-token"),
    ("deploy.yml", "konnect", "id-token"),
    ("deploy.yml", "prod", "id-token"),
    ("deploy-stack.yml", "up", "id-token"),
    ("drift.yml", "look", "id-token"),
    ("drift.yml", "report", "issues"),
    ("renew-certificates.yml", "renew", "id-token"),
    ("release-image.yml", "image", "packages"),
    ("release-image.yml", "image", "id-token"),
    ("release-image.yml", "image", "attestations"),
    ("release-image.yml", "chart", "packages"),
    ("release-image.yml", "chart", "id-token"),
    ("release-image.yml", "chart", "attestations"),
}


def load(file: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text())
    return loaded


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    found = workflow.get("on", workflow.get(True))
    return found if isinstance(found, dict) else dict.fromkeys([found] if found else [])


def steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_nothing_runs_foreign_code_with_the_rights_of_the_base(file: Path) -> None:
    started_by = triggers(load(file))
    assert started_by
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(started_by)


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_a_workflow_may_read_the_source_and_nothing_else(file: Path) -> None:
    assert load(file)["permissions"] == {"contents": "read"}


def test_every_further_right_is_one_that_its_job_needs() -> None:
    granted = set()
    for file in WORKFLOWS:
        for name, job in load(file)["jobs"].items():
            rights = job.get("permissions", {})
            assert isinstance(rights, dict), f"{file.name} {name}: {rights}"
            granted |= {(file.name, name, key) for key, value in rights.items() if value == "write"}
    assert granted == GRANTED


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_a_job_with_cloud_credentials_is_bound_to_an_environment(file: Path) -> None:
    workflow = load(file)
    for name, job in workflow["jobs"].items():
        for step in job.get("steps", []):
            if str(step.get("uses", "")).startswith("aws-actions/"):
                assert job.get("environment"), f"{name} has credentials and no environment"
                assert "access-key" not in str(step["with"]), "a role by OIDC, never a stored key"


def test_a_fork_gets_neither_credentials_nor_the_right_to_write() -> None:
    workflow = load(FOLDER / "preview.yml")
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    assert workflow["jobs"]["preview"]["if"] == same
    stubs = workflow["jobs"]["preview-on-stubs"]
    assert "!=" in stubs["if"]
    assert "permissions" not in stubs
    assert "secrets." not in yaml.safe_dump(stubs)


def test_the_job_that_comments_runs_the_code_of_the_base_branch() -> None:
    job = load(FOLDER / "preview.yml")["jobs"]["comment"]
    (checkout,) = [s for s in job["steps"] if str(s.get("uses", "")).startswith("actions/checkout")]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "environment" not in job


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_actions_are_pinned_to_a_commit_that_a_comment_names(file: Path) -> None:
    text = file.read_text() + (ROOT / ".github" / "actions" / "prepare" / "action.yml").read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action + comment


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_the_token_does_not_stay_behind_in_the_checkout(file: Path) -> None:
    for step in steps(load(file)):
        if str(step.get("uses", "")).startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_no_script_is_made_of_what_a_stranger_wrote(file: Path) -> None:
    for step in steps(load(file)):
        assert "${{" not in str(step.get("run", "")), step["run"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_every_job_ends_some_time(file: Path) -> None:
    for name, job in load(file)["jobs"].items():
        assert "uses" in job or job.get("timeout-minutes"), name


def test_what_needs_the_private_endpoint_runs_inside_its_network() -> None:
    for name in ("preview.yml", "drift.yml", "renew-certificates.yml"):
        for job in load(FOLDER / name)["jobs"].values():
            for item in job.get("strategy", {}).get("matrix", {}).get("include", []):
                assert (item["runner"] == "network-prod") == (item["stack"] == "prod")
    assert load(FOLDER / "deploy.yml")["jobs"]["prod"]["with"]["runner"] == "network-prod"


def test_an_update_is_never_cut_off_and_never_overrides_protection() -> None:
    for file in WORKFLOWS:
        text = file.read_text()
        assert "--ignore-protect" not in text
        for job in load(file)["jobs"].values():
            updates = any("pulumi up" in str(step.get("run", "")) for step in job.get("steps", []))
            if updates:
                assert job["concurrency"]["cancel-in-progress"] is False


def test_drift_is_looked_for_every_night_and_certificates_are_renewed_on_schedule() -> None:
    assert triggers(load(FOLDER / "drift.yml"))["schedule"]
    assert "--refresh --expect-no-changes" in (FOLDER / "drift.yml").read_text()
    assert triggers(load(FOLDER / "renew-certificates.yml"))["schedule"]


def test_every_tool_that_a_workflow_runs_is_there() -> None:
    for file in WORKFLOWS:
        for tool in set(re.findall(r"\btools/[\w/]+(?:\.py)?", file.read_text())):
            assert (ROOT / tool).exists(), f"{file.name}: {tool}"


def test_the_image_is_published_under_the_tag_that_the_chart_asks_for() -> None:
    chart = yaml.safe_load((ROOT / "gateway" / "chart" / "Chart.yaml").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", chart["appVersion"]), "as pyproject.toml has it"
    build, smallest = [
        step
        for step in steps(load(FOLDER / "release-image.yml"))
        if str(step.get("uses", "")).startswith("docker/build-push-action")
    ]
    assert build["with"]["tags"].endswith(":${{ steps.project.outputs.version }}")
    assert "ROLES" not in build["with"]["build-args"]
    # The one for data planes alone has a tag of its own.
    assert smallest["with"]["tags"] == f"{build['with']['tags']}-data-plane"
    assert {"ROLES=data-plane", "ROOT=minimal", "TWINS=required"} <= set(
        smallest["with"]["build-args"].split()
    )


def test_the_chart_is_published_with_the_image_of_its_version() -> None:
    chart = load(FOLDER / "release-image.yml")["jobs"]["chart"]
    assert chart["needs"] == "image"
    (push,) = [str(step["run"]) for step in chart["steps"] if "helm push" in str(step.get("run"))]
    assert 'helm package gateway/chart --version "$version" --app-version "$version"' in push
    # The line that is replaced is there.
    values = (ROOT / "gateway" / "chart" / "values.yaml").read_text()
    assert values.count("\n  repository: kafka-gateway\n") == 1
