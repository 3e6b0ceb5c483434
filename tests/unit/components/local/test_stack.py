# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from components.config.reader import ConfigReader
from components.local.stack import stand_up
from policies.rules import RULES, PlannedResource
from tests.support.cloud import bare
from tests.support.registrations import Registration, register, secret

ROOT = Path(__file__).resolve().parents[4]


def reader(**changes: str) -> ConfigReader:
    return ConfigReader("local", changes)


def outputs(kind: str, name: str, _inputs: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "gateway:index:Credential": {"key": f"{name}-key", "secret": secret(f"{name}-secret")},
        "gateway:index:ClusterCertificate": {
            "certificatePem": "PEM",
            "privateKeyPem": secret("KEY"),
        },
        "gateway:local:Process": {"pid": 1, "running": True, "logFile": "log"},
    }
    return known.get(kind, {})


@pytest.fixture(scope="module")
def stack() -> list[Registration]:
    return register(lambda: stand_up(reader()), outputs)


def of(stack: list[Registration], kind: str) -> dict[str, Registration]:
    return {one.name: one for one in stack if one.type == kind}


def test_every_part_hangs_below_its_component(stack: list[Registration]) -> None:
    components = {"certificates", "kafka", "control-plane", "routes", "data-plane"}
    assert {one.name for one in stack if not one.custom} == components
    for one in stack:
        if one.custom:
            assert one.parent.rpartition("::")[2] in components, one.name


def test_there_is_a_process_for_each_part_in_a_folder_of_its_own(stack: list[Registration]) -> None:
    processes = of(stack, "gateway:local:Process")
    assert set(processes) == {"kafka", "control-plane", "data-plane"}
    assert len({one.inputs["directory"] for one in processes.values()}) == 3


def test_the_api_keys_may_write_their_topics_and_nothing_else(stack: list[Registration]) -> None:
    rules = [one.inputs for one in of(stack, "gateway:kafka:Acl").values()]
    assert all(rule["permission"] == "allow" for rule in rules)
    api = [rule for rule in rules if "api-key" in rule["principal"]]
    assert {rule["operation"] for rule in api} == {"write", "describe"}
    assert {rule["resourceType"] for rule in api} == {"topic"}
    assert {rule["resourceName"] for rule in api} == {"topictest", "topictest2"}
    assert {rule["principal"] for rule in api} == {
        "User:kafka-api-key-a-key",
        "User:kafka-api-key-b-key",
    }


def test_the_reader_key_may_read_and_nothing_else(stack: list[Registration]) -> None:
    rules = [one.inputs for one in of(stack, "gateway:kafka:Acl").values()]
    mine = [rule for rule in rules if "reader" in rule["principal"]]
    assert {(rule["resourceType"], rule["operation"]) for rule in mine} == {
        ("topic", "read"),
        ("topic", "describe"),
        ("group", "read"),
    }
    (groups,) = [rule for rule in mine if rule["resourceType"] == "group"]
    assert (groups["resourceName"], groups["patternType"]) == ("kafka-gateway", "prefixed")


def test_no_policy_has_anything_to_say_against_it(stack: list[Registration]) -> None:
    for one in stack:
        resource = PlannedResource(one.type, one.name, "local", one.inputs, one.protect)
        for rule in RULES:
            assert list(rule.check(resource, date(2026, 11, 23))) == [], (rule.name, one.name)


def test_topics_and_rules_go_with_their_broker(stack: list[Registration]) -> None:
    for kind in ("gateway:kafka:Topic", "gateway:kafka:Acl"):
        for one in of(stack, kind).values():
            assert one.deleted_with.endswith("::kafka"), one.name


def test_the_data_plane_waits_for_the_routes_and_the_routes_for_the_topics(
    stack: list[Registration],
) -> None:
    assert of(stack, "gateway:local:Process")["data-plane"].depends_on("routes")
    assert of(stack, "gateway:index:Configuration")["routes"].depends_on("kafka-topictest")


def test_files_and_credentials_go_out_as_secrets(stack: list[Registration]) -> None:
    for one in of(stack, "gateway:local:Process").values():
        assert one.is_secret("files"), one.name
    for topic in of(stack, "gateway:kafka:Topic").values():
        assert topic.is_secret("endpoint")
    assert of(stack, "gateway:index:Configuration")["routes"].is_secret("admin")


def test_no_command_line_holds_a_secret(stack: list[Registration]) -> None:
    for one in of(stack, "gateway:local:Process").values():
        assert "secret" not in json.dumps(one.inputs["command"])


def test_switching_the_slot_changes_only_what_the_data_plane_reads() -> None:
    before = {one.name: one for one in register(lambda: stand_up(reader()), outputs)}
    after = {one.name: one for one in register(lambda: stand_up(reader(apiKeySlot="b")), outputs)}
    changed = [name for name in before if before[name].raw != after[name].raw]
    assert changed == ["data-plane"]
    assert "vault.env" in before["data-plane"].inputs["reloadOn"]


def test_every_file_of_the_gateway_is_taken_over_without_a_restart(
    stack: list[Registration],
) -> None:
    processes = of(stack, "gateway:local:Process")
    for name in ("control-plane", "data-plane"):
        inputs = processes[name].inputs
        assert set(inputs["reloadOn"]) == set(bare(inputs["files"])), name


CLOUDS = ("pulumi_aws", "pulumi_eks", "pulumi_confluentcloud", "pulumi_kubernetes")
PROGRAM = """
import json, runpy, sys
from tests.support.registrations import register

found = register(lambda: runpy.run_path("__main__.py") and None, preview=True)
clouds = [name for name in sys.argv[1:] if name in sys.modules]
print(json.dumps([sorted({one.type for one in found}), clouds]))
"""


def test_the_program_of_the_local_stack_imports_no_cloud_provider() -> None:
    config = {"kafka-gateway:workers": "3"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *CLOUDS],
        cwd=ROOT,
        env={**os.environ, "PULUMI_CONFIG": json.dumps(config)},
        capture_output=True,
        text=True,
        check=True,
    )
    registered, clouds = json.loads(done.stdout)
    assert "gateway:index:Configuration" in registered, "the program ran"
    assert clouds == []
