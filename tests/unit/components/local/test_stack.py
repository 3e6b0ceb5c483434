# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from components.local.stack import stand_up
from policies.rules import RULES, PlannedResource
from tests.support.cloud import bare, of
from tests.support.local import answer, reader
from tests.support.registrations import Registration, register

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def stack() -> list[Registration]:
    return register(lambda: stand_up(reader()), answer)


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


def test_no_policy_has_anything_to_say_against_it(stack: list[Registration]) -> None:
    for one in stack:
        resource = PlannedResource(one.type, one.name, "local", one.inputs, one.protect)
        for rule in RULES:
            assert list(rule.check(resource, date(2026, 11, 23))) == [], (rule.name, one.name)


def test_the_data_plane_waits_for_the_routes_and_the_routes_for_the_topics(
    stack: list[Registration],
) -> None:
    assert of(stack, "gateway:local:Process")["data-plane"].depends_on("routes")
    assert of(stack, "gateway:index:Configuration")["routes"].depends_on("kafka-topictest")


def test_files_and_credentials_go_out_as_secrets(stack: list[Registration]) -> None:
    for one in of(stack, "gateway:local:Process").values():
        assert one.is_secret("files"), one.name
    assert of(stack, "gateway:index:Configuration")["routes"].is_secret("admin")


def test_switching_the_slot_changes_only_what_the_data_plane_reads() -> None:
    before = {one.name: one for one in register(lambda: stand_up(reader()), answer)}
    after = {one.name: one for one in register(lambda: stand_up(reader(apiKeySlot="b")), answer)}
    changed = [name for name in before if before[name].raw != after[name].raw]
    assert changed == ["data-plane"]
    assert "vault.env" in before["data-plane"].inputs["reloadOn"]


def test_secrets_are_there_before_the_routes_that_name_them() -> None:
    secrets = json.dumps({"SHOP_KEY": "of the shop"})
    found = register(lambda: stand_up(reader(secrets=secrets)), answer)
    (files,) = of(found, "gateway:local:Files").values()
    data_plane = of(found, "gateway:local:Process")["data-plane"].inputs
    assert files.is_secret("files")
    assert files.inputs["directory"] == data_plane["directory"]
    written = bare(files.inputs["files"])["vault.env"]
    assert 'SHOP_KEY="of the shop"' in written
    assert bare(data_plane["files"])["vault.env"] == written
    assert of(found, "gateway:index:Configuration")["routes"].depends_on("secrets")


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
