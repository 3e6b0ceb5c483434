# SPDX-License-Identifier: Apache-2.0
"""Whatever is fetched is named by a digest that is in the repository, and the pins are moved."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tools import bootstrap, kafka_jars

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted(
    file.relative_to(ROOT)
    for pattern in ("*requirements*.txt", "gateway/*requirements*.txt", "policies/*.txt")
    for file in ROOT.glob(pattern)
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
JOBS = [
    pytest.param(job, id=f"{file.stem}-{name}")
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    for name, job in yaml.safe_load(file.read_text())["jobs"].items()
]
GO_MODULES = [file.parent for file in sorted((ROOT / "tools").glob("**/go.sum"))]
POM = "{http://maven.apache.org/POM/4.0.0}"


def requirements(lock: Path) -> list[str]:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#")]
    return [one for one in "\n".join(lines).replace("\\\n", " ").splitlines() if one.strip()]


def test_there_is_a_lock_for_each_environment() -> None:
    assert [str(lock) for lock in LOCKS] == [
        "gateway/build-requirements.txt",
        "gateway/requirements.txt",
        "policies/requirements.txt",
        "requirements.txt",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_requirement_is_one_version_with_hashes(lock: Path) -> None:
    pinned = r"[\w.-]+==\S+(?: ; [^#]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+"
    assert requirements(lock)
    for requirement in requirements(lock):
        assert re.fullmatch(pinned, requirement.strip()), requirement


def test_every_lock_is_written_by_the_same_tool_from_pyproject() -> None:
    written = (ROOT / "tools" / "lock").read_text()
    for lock in LOCKS:
        assert f"compile {lock} " in written
        assert (ROOT / lock).read_text().startswith("# Written by 'make lock'")


def test_the_wheel_of_the_image_is_made_with_what_pyproject_builds_with() -> None:
    assert PYPROJECT["dependency-groups"]["image-build"] == PYPROJECT["build-system"]["requires"]


def test_one_version_of_pulumi_everywhere() -> None:
    wanted = f"pulumi=={bootstrap.PULUMI_VERSION}"
    assert wanted in PYPROJECT["dependency-groups"]["policies"]
    assert wanted in PYPROJECT["project"]["optional-dependencies"]["program"]
    for module in ("pulumi-cli", "sdk_generator"):
        text = (ROOT / "tools" / module / "go.mod").read_text()
        assert f"pulumi/pkg/v3 v{bootstrap.PULUMI_VERSION}" in text


@pytest.mark.parametrize("module", GO_MODULES, ids=lambda folder: folder.name)
def test_every_go_module_that_is_built_has_its_sum(module: Path) -> None:
    sums = {tuple(line.split()[:2]) for line in (module / "go.sum").read_text().splitlines()}
    text = (module / "go.mod").read_text()
    required = dict(
        re.findall(r"^(?:\s+|require )(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE)
    )
    for name, other, version in re.findall(r"(\S+) => (\S+) (v\S+)", text):
        if required.pop(name, None):
            required[other] = version
    assert required
    missing = {one for one in required.items() if (one[0], f"{one[1]}/go.mod") not in sums}
    assert missing == set()


def test_the_jars_with_checksums_are_those_of_the_pom() -> None:
    lines = kafka_jars.CHECKSUMS.read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w.-]+\.jar", line) for line in lines)
    names = [line.split()[1] for line in lines]
    assert len(names) == len(set(names))
    for one in ElementTree.parse(bootstrap.KAFKA_POM).iter(f"{POM}dependency"):
        assert f"{one.findtext(f'{POM}artifactId')}-{one.findtext(f'{POM}version')}.jar" in names
    kafka = {name.rsplit("-", 1)[1] for name in names if name.startswith("kafka")}
    assert len(kafka) == 1, "all of Kafka in one version"


def test_the_base_image_is_named_by_its_digest_and_installs_nothing_without_a_hash() -> None:
    dockerfile = (ROOT / "gateway" / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, re.MULTILINE)
    here = {"scratch", "${BASE_IMAGE}", "${ROOT}", *(name for _, name in stages)}
    fetched = [image for image, _ in stages if image not in here]
    assert all(re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", image) for image in fetched)
    assert len(fetched) == 1
    # Without an argument both stages start from the pinned one.
    assert f"ARG BASE_IMAGE={stages[0][1]}\n" in dockerfile
    for command in re.findall(r"pip (?:install|wheel)[^&\n]*", dockerfile):
        assert "--require-hashes" in command or "--no-index" in command, command


@pytest.mark.parametrize("job", JOBS)
def test_nothing_is_installed_once_a_job_has_credentials(job: dict[str, Any]) -> None:
    installs = re.compile(r"pip|venv|bootstrap|\bmake\b|npm|mvn|plugin install|curl|wget|apt")
    has_credentials = False
    for step in job.get("steps", []):
        has_credentials |= "secrets." in str(step.get("env", ""))
        if has_credentials:
            assert not installs.search(str(step.get("run", ""))), step["run"]
            assert "prepare" not in str(step.get("uses", "")), step
        has_credentials |= "aws-actions/configure-aws-credentials" in str(step.get("uses", ""))
    assert "secrets." not in str(job.get("env", "")), "a secret in the whole job's environment"


@pytest.mark.parametrize("job", JOBS)
def test_the_providers_are_there_before_the_credentials(job: dict[str, Any]) -> None:
    steps = [str(step.get("uses", "")) + str(step.get("run", "")) for step in job.get("steps", [])]
    (credentials,) = [i for i, step in enumerate(steps) if step.startswith("aws-actions/")] or [0]
    if credentials:
        assert any("pulumi plugin install" in step for step in steps[:credentials])
    if any("--policy-pack" in step for step in steps):
        assert any("bootstrap.py policies" in step for step in steps[:credentials])


@pytest.mark.parametrize(
    ("ecosystem", "file"),
    [
        ("pip", "pyproject.toml"),
        ("docker", "gateway/Dockerfile"),
        ("github-actions", ".github/workflows/checks.yml"),
        ("github-actions", ".github/actions/prepare/action.yml"),
        ("maven", "tools/kafka/pom.xml"),
        *(("gomod", f"{folder.relative_to(ROOT)}/go.mod") for folder in GO_MODULES),
    ],
)
def test_an_update_bot_looks_after_every_pin(ecosystem: str, file: str) -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    folders = [
        (ROOT / folder.strip("/")).resolve()
        for update in updates
        if update["package-ecosystem"] == ecosystem
        for folder in update.get("directories", [update.get("directory")])
    ]
    assert (ROOT / file).is_file()
    # For actions, the root stands for .github/workflows.
    places = (
        {(ROOT / file).parent, ROOT} if file.startswith(".github/w") else {(ROOT / file).parent}
    )
    assert places & set(folders)
