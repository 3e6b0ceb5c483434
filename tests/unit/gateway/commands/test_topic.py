# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway topic`` against the shared broker, and against stacks with outputs or without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.commands import topic as command
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.kafka


def run(broker: Broker, user: tuple[str, str], *arguments: str, stdin: str = "") -> Result:
    """Run a command as a user of the broker."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "KAFKA_USER": user[0],
        "KAFKA_PASSWORD": user[1],
        "KAFKA_CA": broker.ca_file,
    }
    return CliRunner().invoke(command.app, list(arguments), input=stdin, env=environment)


def test_topics_are_made_listed_written_and_read(broker: Broker) -> None:
    name = f"cli-{broker.port}"
    assert run(broker, broker.admin, "create", name, "--partitions", "2").exit_code == 0
    listed = run(broker, broker.admin, "list")
    assert f"{name}\t2" in listed.stdout.splitlines()
    written = run(broker, broker.admin, "produce", name, '{"a":1}', "--key", "k", "--header", "h=1")
    assert written.exit_code == 0, written.output
    assert run(broker, broker.admin, "produce", name, stdin="b\nc\n").exit_code == 0
    values = run(broker, broker.admin, "consume", name, "--from-beginning")
    assert sorted(values.stdout.splitlines()) == ["b", "c", '{"a":1}']
    one = run(broker, broker.admin, "consume", name, "--from-beginning", "--max", "1")
    assert len(one.stdout.splitlines()) == 1
    lines = run(broker, broker.admin, "consume", name, "--from-beginning", "--json").stdout
    records = [json.loads(line) for line in lines.splitlines()]
    (keyed,) = [record for record in records if record["key"] == "k"]
    assert (keyed["topic"], keyed["value"], keyed["headers"]) == (name, '{"a":1}', [["h", "1"]])


def test_the_reader_may_read_and_not_write(broker: Broker) -> None:
    name = broker.topic()
    broker.allow(broker.reader, name, "read")
    assert run(broker, broker.admin, "produce", name, "x").exit_code == 0
    read = run(broker, broker.reader, "consume", name, "--from-beginning")
    assert (read.stdout, read.stderr) == ("x\n", "")
    denied = run(broker, broker.reader, "produce", name, "y")
    assert denied.exit_code == 1
    assert "authoriz" in denied.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("consume", "no-such-topic", "--from-beginning"), "no-such-topic"),
        (("create", "x", "--config", "novalue"), "name=value"),
        (("consume", "x", "--since", "yesterday"), "30s, 10m, 2h"),
        (("consume", "x", "--since", "5m", "--offset", "3"), "exclude each other"),
    ],
)
def test_a_failure_is_one_sentence(
    broker: Broker, arguments: tuple[str, ...], problem: str
) -> None:
    result = run(broker, broker.admin, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_reading_begins_where_it_is_told_to_and_ends_by_itself(broker: Broker) -> None:
    name = broker.topic(2)
    values = [f"v{number}" for number in range(6)]
    for value in values:
        assert run(broker, broker.admin, "produce", name, value, "--key", value).exit_code == 0

    def read(*arguments: str) -> list[str]:
        found = run(broker, broker.admin, "consume", name, *arguments)
        assert found.exit_code == 0, found.output
        return sorted(found.stdout.splitlines())

    assert read("--since", "1h") == read("--offset", "0") == read("--last", "99") == values
    assert read("--since", "2100-01-01T00:00:00Z") == read("--offset", "99") == []
    parts = [read("--from-beginning", "--partition", number) for number in ("0", "1")]
    assert sorted(parts[0] + parts[1]) == values
    assert len(read("--last", "1")) == sum(1 for part in parts if part)
    assert len(read("--from-beginning", "--max", "4")) == 4
    assert read("--from-beginning", "--key", "--partition", "0") == [
        f"{value}\t{value}" for value in parts[0]
    ]
    table = run(broker, broker.admin, "consume", name, "--from-beginning", "-o", "table").stdout
    assert table.splitlines()[0].split() == ["P", "OFFSET", "TIME", "VALUE"]
    assert len(table.splitlines()) == 7


def test_a_reader_that_has_seen_enough_may_go(broker: Broker) -> None:
    name = broker.topic()
    assert (
        run(broker, broker.admin, "produce", name, *("x" * 1000 for _ in range(500))).stdout == ""
    )
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "KAFKA_USER": broker.admin[0],
        "KAFKA_PASSWORD": broker.admin[1],
        "KAFKA_CA": broker.ca_file,
    }
    command_line = [sys.executable, "-m", "gateway.cli", "topic", "consume", name]
    with subprocess.Popen(
        [*command_line, "--from-beginning"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        assert reader.stdout.readline() == b"x" * 1000 + b"\n"
        reader.stdout.close()
        assert (reader.stderr.read(), reader.wait(PATIENCE)) == (b"", 0)


def pulumi(folder: Path, script: str) -> Path:
    """Return a stand-in for the project's `pulumi`."""
    path = folder / "tools" / "bin" / "pulumi"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_endpoint_and_key_come_from_the_stack(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = broker.topic()
    broker.allow(broker.reader, name, "read")
    outputs = {
        "kafka": {
            "bootstrapServers": broker.bootstrap,
            "caPem": broker.authority.certificate,
            "readerKey": broker.reader[0],
            "readerSecret": broker.reader[1],
        }
    }
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    script = f'echo "$@" > {tmp_path}/arguments; cat {tmp_path}/outputs.json'
    monkeypatch.setattr(command, "PULUMI", pulumi(tmp_path, script))
    result = CliRunner().invoke(command.app, ["list", "--stack", "mine"])
    assert result.exit_code == 0, result.output
    assert f"{name}\t1" in result.stdout.splitlines()
    arguments = (tmp_path / "arguments").read_text().strip()
    assert arguments == "stack output --json --show-secrets --stack mine"


@pytest.mark.parametrize("script", ["echo no such stack >&2; exit 1", "echo {}"])
def test_a_stack_that_is_not_up_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(command, "PULUMI", pulumi(tmp_path, script))
    result = CliRunner().invoke(command.app, ["list"])
    assert result.exit_code == 1
    assert "is it up?" in result.stderr
