# SPDX-License-Identifier: Apache-2.0
"""What can be said of the image and the systemd unit without building or booting them."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "gateway" / "Dockerfile").read_text()
FINAL_STAGE = DOCKERFILE.rsplit("\nFROM ", 1)[1]


def test_the_base_image_is_a_build_argument_whose_default_is_the_pinned_one() -> None:
    assert re.search(r"^ARG BASE_IMAGE=pinned$", DOCKERFILE, re.MULTILINE)
    pinned, *stages = re.findall(r"^FROM (.+)", DOCKERFILE, re.MULTILINE)
    assert pinned.endswith(" AS pinned")
    assert [stage.split()[0] for stage in stages] == [
        *("${BASE_IMAGE}", "build", "scratch", "${BASE_IMAGE}", "${ROOT}")
    ]


def test_the_root_is_the_base_where_nothing_is_said_and_python_alone_where_it_is_to_be() -> None:
    assert re.search(r"^ARG ROOT=full$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^FROM \$\{BASE_IMAGE\} AS full$", DOCKERFILE, re.MULTILINE)
    minimal = DOCKERFILE.partition("\nFROM scratch AS minimal\n")[2].partition("\nFROM ")[0]
    assert (
        minimal.strip()
        == "COPY --from=root /root-of-minimal /\nENV LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin"
    )
    # There is nothing that could run there, so what is for both of them runs nothing.
    assert "\nRUN " not in FINAL_STAGE


def test_only_the_lock_of_the_runtime_is_installed_into_what_the_image_keeps() -> None:
    installed = re.findall(r"(\S*pip) install .*-r (\S+)", DOCKERFILE)
    assert installed == [
        ("pip", "gateway/requirements.txt"),
        ("/opt/build/bin/pip", "gateway/build-requirements.txt"),
    ]
    assert re.findall(r"^COPY --from=build (.*)", FINAL_STAGE, re.MULTILINE) == [
        "/opt/kafka-gateway /opt/kafka-gateway"
    ]


def test_the_runtime_lock_holds_neither_pulumi_nor_a_cloud_sdk() -> None:
    lock = (ROOT / "gateway" / "requirements.txt").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert names
    assert not {name for name in names if re.match(r"pulumi|boto|kubernetes|grpcio", name)}


def test_the_image_is_slimmed_and_has_the_twins_where_there_is_a_wheel() -> None:
    build = DOCKERFILE.rsplit("\nFROM ", 1)[0]
    assert 'python tools/slim_image.py /opt/kafka-gateway "$ROLES"' in build
    assert re.search(r"^ARG ROLES=all$", build, re.MULTILINE)
    assert (
        '--find-links native/wheels kafka-gateway-native \\\n      || [ "$TWINS" != required ]'
        in build
    )
    assert (
        '--find-links native/wheels kafka-gateway-compiled \\\n      || [ "$TWINS" != required ]'
        in build
    )
    # What was compiled from other sources would lie there unused: looked at when all else is done.
    slim, check = build.index("tools/slim_image.py /opt"), build.index("-m gateway.compiled")
    assert slim < check
    # Rust, compilers and what is taken out stay in a stage that is thrown away.
    assert "slim_image" not in FINAL_STAGE
    assert "cargo" not in DOCKERFILE
    assert "install gcc" not in DOCKERFILE


def test_a_release_compiles_the_request_path_in_the_python_and_the_glibc_of_the_image() -> None:
    file = ROOT / ".github" / "workflows" / "release-image.yml"
    jobs = yaml.safe_load(file.read_text())["jobs"]
    base = re.search(r"^FROM (\S+) AS pinned$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert jobs["compiled"]["container"] == base[1]
    assert jobs["compiled"]["strategy"]["matrix"]["machine"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    assert jobs["image"]["needs"] == "compiled"


def test_a_release_builds_the_twins_for_both_platforms_before_it_has_credentials() -> None:
    workflow = (ROOT / ".github" / "workflows" / "release-image.yml").read_text()
    twins, login = workflow.index("--out native/wheels"), workflow.index("docker/login-action")
    assert twins < login
    assert "for platform in x86_64 aarch64" in workflow
    assert "--compatibility manylinux_2_17" in workflow
    assert "TWINS=required" in workflow


def test_the_image_runs_as_nobody_in_particular_and_checks_its_health() -> None:
    assert "\nUSER 10001:10001\n" in FINAL_STAGE
    assert "gateway.probe" in FINAL_STAGE.split("HEALTHCHECK", 1)[1]
    assert "STOPSIGNAL SIGTERM" in FINAL_STAGE
    assert "PYTHONDONTWRITEBYTECODE=1" in FINAL_STAGE


def test_only_what_the_runtime_is_made_of_enters_the_build() -> None:
    lines = (ROOT / "gateway" / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {line for line in rules if line.startswith("!")} == {
        "!pyproject.toml",
        "!README.md",
        "!LICENSE",
        "!gateway",
        "!native/wheels",
        "!tools/slim_image.py",
        "!tools/minimal_root.py",
    }


def test_the_unit_restarts_the_gateway_and_takes_its_rights_away() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive
    unit.read(ROOT / "gateway" / "systemd" / "kafka-gateway.service")
    service = unit["Service"]
    assert service["Restart"] == "always"
    assert service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ExecStart"].endswith("/kafka-gateway run")


def test_every_download_of_the_build_takes_an_index_and_authorities_from_outside() -> None:
    build = DOCKERFILE.rsplit("\nFROM ", 1)[0]
    downloads = [step for step in build.split("\nRUN ")[1:] if "--require-hashes" in step]
    assert len(downloads) == 2
    for step in downloads:
        assert step.startswith("--mount=type=secret,id=ca --mount=type=secret,id=pip.conf")
        assert "export PIP_CERT=/run/secrets/ca" in step
    assert re.search(r"^ARG PIP_INDEX_URL$", build, re.MULTILINE)
    # An index's address may hold a password: it is no part of the image that is published.
    assert "PIP_" not in FINAL_STAGE
