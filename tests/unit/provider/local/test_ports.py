# SPDX-License-Identifier: Apache-2.0
"""Ports that go from one process of a stack to another."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.local import ports, process
from provider.local.proc import listeners
from provider.server import Provider
from provider.values import Properties
from tests.support import small_server
from tests.support.ports import free_ports
from tests.support.processes import alive
from tests.support.provider import Harness
from tests.support.waiting import PATIENCE

TOKEN = "gateway:local:Process"
NAMES = ("broker", "control", "data")


class Stack:
    """Processes of one stack, each with a port, in directories side by side."""

    def __init__(self, folder: Path, stack: str = "test") -> None:
        self.folder = folder
        self.ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
        self.harnesses = {name: Harness(TOKEN, name, stack) for name in NAMES}

    def begin_operation(self) -> None:
        """One provider for all resources, as in an operation of the engine."""
        provider = Provider()
        for harness in self.harnesses.values():
            provider.log = harness.lines  # type: ignore[assignment] # the two methods used
            harness.provider = provider

    def inputs(self, name: str, port: int) -> Properties:
        return {
            "name": name,
            "directory": str(self.folder / name),
            "command": [sys.executable, "-P", small_server.__file__, str(port), "content"],
            "environment": {"ROLE": name},
            "files": {"content": name},
            "ports": {"http": port},
            "portKeys": {"http": f"{name}Port"},
            "ready": {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeoutSeconds": 20},
            "stopTimeoutSeconds": 5,
        }

    def up(self) -> None:
        self.begin_operation()
        for name, harness in self.harnesses.items():
            inputs = self.inputs(name, self.ports[name])
            if not harness.id:
                harness.create(inputs)
            elif harness.diff(harness.check(inputs)):
                harness.update(inputs)

    def answers(self) -> dict[str, Any]:
        found = {}
        for name, port in self.ports.items():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
                found[name] = json.load(answer)["content"]
        return found


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / "own")
    yield made
    for name in NAMES:
        record = process.load_record(made.folder / name)
        if record is not None:
            process.stop(record, 5)


def test_ports_can_be_permuted_among_a_stacks_own_processes(stack: Stack) -> None:
    stack.up()
    first, second, third = (stack.ports[name] for name in NAMES)
    for order in ((second, first, third), (third, second, first), (second, third, first)):
        stack.ports = dict(zip(NAMES, order, strict=True))
        stack.begin_operation()
        for name, harness in stack.harnesses.items():
            assert harness.failures(stack.inputs(name, stack.ports[name])) == {}
        stack.up()
        assert stack.answers() == {name: name for name in NAMES}
        stack.begin_operation()
        for name, harness in stack.harnesses.items():
            assert harness.diff(harness.check(stack.inputs(name, stack.ports[name]))) == {}


def test_a_process_that_moves_while_its_port_is_looked_at_holds_it_no_more(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up()
    stack.begin_operation()
    port, (elsewhere,) = stack.ports["data"], free_ports(1)
    looks: list[int] = []

    def looked_at(wanted: int) -> list[int | None]:
        found = listeners(wanted)
        looks.append(wanted)
        if len(looks) == 1:
            stack.harnesses["data"].update(stack.inputs("data", elsewhere))
        return found

    monkeypatch.setattr(ports, "listeners", looked_at)
    assert stack.harnesses["control"].failures(stack.inputs("control", port)) == {}
    assert port in looks


def test_a_port_of_another_stacks_process_is_taken(stack: Stack) -> None:
    stack.up()
    other = Harness(TOKEN, "mine", "other")
    inputs = {**stack.inputs("mine", stack.ports["data"]), "directory": str(stack.folder / "mine")}
    failures = other.failures(inputs)
    pid = stack.harnesses["data"].outputs["pid"]
    assert failures["ports.http"].startswith(
        f"port {stack.ports['data']} is taken by process {pid}"
    )
    assert alive(pid)


def test_a_port_that_two_of_a_stack_ask_for_is_refused_for_the_second(stack: Stack) -> None:
    stack.up()
    stack.begin_operation()
    port = stack.ports["data"]
    control, data = stack.harnesses["control"], stack.harnesses["data"]
    assert control.failures(stack.inputs("control", port)) == {}
    said = f"port {port} is that of control as well"
    said += "; set another port with `pulumi config set dataPort`"
    assert data.failures(stack.inputs("data", port)) == {"ports.http": said}
    # The engine may check a resource more than once.
    assert control.failures(stack.inputs("control", port)) == {}
    assert stack.answers()["data"] == "data"
