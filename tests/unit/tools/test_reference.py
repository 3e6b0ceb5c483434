# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import yaml
from cryptography import x509

from gateway.commands.check import check_file
from gateway.data_plane.worker import snapshot
from gateway.documents.deck import load_deck
from gateway.documents.document import to_table
from gateway.entities import ENTITIES
from gateway.entities.plugin_types import plugin_types
from gateway.settings.settings import NAMES, env_name
from tests.support.mock_kafka import mock_kafka
from tests.support.releases import compiled_configuration, worker_resources
from tools import reference

PAGES = reference.pages()
PLUGIN_PAGES = [f"plugins/{name}.md" for name in plugin_types()]


def rows(page: str) -> list[list[str]]:
    lines = [line for line in PAGES[page].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_committed_pages_are_in_step() -> None:
    assert reference.main(["--check"]) == 0


def test_a_page_that_differs_fails_the_check_and_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "docs" / "reference")
    monkeypatch.setattr(reference, "pages", lambda: PAGES)
    assert reference.main([]) == 0
    (tmp_path / "docs" / "reference" / "plugins.md").write_text("older\n")
    assert reference.main(["--check"]) == 1
    assert "docs/reference/plugins.md: not what the code says now" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0


def test_every_setting_says_its_form_and_what_it_does() -> None:
    found = rows("settings.md")
    assert {row[0] for row in found} == {f"`{env_name(name)}`" for name in NAMES}
    assert [row[0] for row in found if not row[1] or not row[3]] == []


def test_every_entity_plugin_and_key_is_described() -> None:
    for entity in ENTITIES.values():
        assert f"\n## {entity.collection}\n" in PAGES["entities.md"]
    for page in ("entities.md", "config.md", *PLUGIN_PAGES):
        assert [row[0] for row in rows(page) if not row[3]] == []
    for plugin in plugin_types():
        assert f"[{plugin}](plugins/{plugin}.md)" in PAGES["plugins.md"]


SAID = {"idempotency": "need the right Read"}
"""What the check says of an example that is right: what brokers must allow is not in the file."""


@pytest.mark.parametrize("name", plugin_types())
def test_the_example_of_a_plugin_uses_it_and_passes_the_check(name: str) -> None:
    file = plugin_types()[name].folder / "example.yaml"
    warnings, problems = check_file(file, {})
    assert problems == []
    assert [text for text in warnings if SAID.get(name, "nothing") not in text] == []
    assert f"- name: {name}\n" in file.read_text()


@pytest.mark.parametrize("name", plugin_types())
async def test_the_example_of_a_plugin_is_compiled_by_a_worker(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_WARM_UP", 0.0)
    text = (plugin_types()[name].folder / "example.yaml").read_text()
    environment = dict.fromkeys(re.findall(r"vault://env/(\w+)", text), "given")
    with mock_kafka() as kafka:
        host, _, port = kafka.bootstrap.partition(":")
        text = re.sub(
            r"host: (\S*kafka|\S*broker|pkc-)\S*\n( +)port: 9092",
            rf"host: {host}\n\2port: {port}",
            text,
        )
        file = tmp_path / "example.yaml"
        file.write_text(text)
        table = to_table(load_deck(file, {}), "stack", 1)
        compiled = compiled_configuration(orjson.dumps(table), environment)
        resources = worker_resources()
        made = await snapshot.Snapshot.build(compiled, snapshot.Snapshot.empty(), resources)
        assert any(name == item.type.name for item in compiled.plugins.values())
        made.discard(snapshot.Snapshot.empty())


def test_authorities_of_examples_last() -> None:
    for plugin in plugin_types().values():
        for row in yaml.safe_load((plugin.folder / "example.yaml").read_text()).get(
            "ca_certificates", ()
        ):
            found = x509.load_pem_x509_certificate(row["cert"].encode())
            assert found.not_valid_after_utc > datetime(2100, 1, 1, tzinfo=UTC)


def test_fields_of_records_stand_under_their_paths() -> None:
    fields = {row[0] for row in rows("plugins/kafka-upstream.md")}
    assert {"`bootstrap_servers[].port`", "`authentication.user`"} <= fields
