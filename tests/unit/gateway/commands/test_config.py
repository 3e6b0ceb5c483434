# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway config`` against a real control plane."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.commands.command_line import application
from gateway.commands.config import DEFAULT_OWNER
from gateway.control_plane.admin import config as declarative
from tests.support.authority import Authority
from tests.support.command_line import run_against
from tests.support.control_plane import Place, running
from tests.support.ports import free_ports

FILE = """
_format_version: "3.0"
services:
- name: shop
  host: ${{ env "DECK_HOST" }}
  routes:
  - name: orders
    paths: [/orders]
    plugins:
    - name: key-auth
consumers:
- username: ann
  keyauth_credentials:
  - key: planted-secret
"""
OWNER = ("--owner", "team-a")


def test_the_owner_when_nobody_says_is_that_of_the_admin_api() -> None:
    assert DEFAULT_OWNER == declarative.OWNER


def _file(folder: Path, text: str = FILE, name: str = "kong.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


async def _releases(place: Place) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await place.ask("GET", "/releases")).body["data"]
    return found


async def test_one_sync_is_one_release_and_a_second_is_none(tmp_path: Path) -> None:
    file = _file(tmp_path)
    async with running(tmp_path / "plane") as place:
        differs = await run_against(place, "config", "diff", file, *OWNER, DECK_HOST="a.test")
        assert differs.exit_code == 2, differs.output
        assert "+ route orders (service shop)" in differs.output
        assert await _releases(place) == []

        words = ("config", "sync", file, *OWNER, "--message", "from CI")
        done = await run_against(place, *words, DECK_HOST="a.test")
        assert done.exit_code == 0, done.output
        assert done.output.endswith("published as release 1\n")
        (release,) = await _releases(place)
        assert release["message"] == "from CI"
        assert str(release["with"]).startswith("kafka-gateway/")

        again = await run_against(place, *words, DECK_HOST="a.test")
        assert (again.exit_code, again.output) == (0, "no difference\n")
        same = await run_against(place, "config", "diff", file, *OWNER, DECK_HOST="a.test")
        assert same.exit_code == 0
        dry = await run_against(place, *words, "--dry-run", DECK_HOST="b.test")
        assert dry.exit_code == 0
        assert "host: a.test -> b.test" in dry.output
        assert len(await _releases(place)) == 1
        for one in (differs, done, dry):
            assert "planted-secret" not in one.output


async def test_what_others_have_stays(tmp_path: Path) -> None:
    async with running(tmp_path / "plane") as place:
        await place.publish({"services": {"theirs": {"host": "x.test"}}}, owner="team-b")
        file = _file(tmp_path)
        await run_against(place, "config", "sync", file, *OWNER, DECK_HOST="a.test")
        empty = _file(tmp_path, '_format_version: "3.0"\n', "empty.yaml")
        gone = await run_against(place, "config", "sync", empty, *OWNER, "--json")
        assert gone.exit_code == 0, gone.output
        body = json.loads(gone.output)
        assert body["summary"] == {"added": 0, "changed": 0, "removed": 5}
        assert body["release"]["number"] == 3
        left = (await place.ask("GET", "/services")).body["data"]
        assert [one["name"] for one in left] == ["theirs"]


async def test_a_refusal_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    file = _file(tmp_path)
    async with running(tmp_path / "plane", admin_token="planted-admin-token") as place:
        words = ("config", "sync", file, *OWNER)
        done = await run_against(place, *words, DECK_HOST="a.test", KAFKA_GATEWAY_TOKEN="wrong")
        assert done.exit_code == 1
        assert "401" in done.output
        assert "Traceback" not in done.output
        unset = await run_against(place, *words, KAFKA_GATEWAY_TOKEN="planted-admin-token")
        assert unset.exit_code == 1
        assert "the environment variable DECK_HOST is not set" in unset.output
        right = {"KAFKA_GATEWAY_TOKEN": "planted-admin-token", "DECK_HOST": "a.test"}
        assert (await run_against(place, *words, **right)).exit_code == 0


async def test_files_are_checked_without_a_control_plane(tmp_path: Path) -> None:
    async with running(tmp_path / "plane") as place:
        file = _file(tmp_path)
        right = await run_against(place, "config", "validate", file, DECK_HOST="a.test")
        assert (right.exit_code, right.stdout) == (0, f"{file}: right\n")
        piped = await run_against(place, "config", "validate", "-", pipe="services: [{nam: a}]")
        assert piped.exit_code == 1
        assert piped.output.startswith("error: -: services[0].host: required field missing")


async def test_a_dump_is_synced_as_nothing_and_a_dump_again_is_the_same(tmp_path: Path) -> None:
    file = _file(tmp_path)
    async with running(tmp_path / "plane") as place:
        stack = ("--owner", "stack-local")
        await run_against(place, "config", "sync", file, *stack, DECK_HOST="a.test")
        first = await run_against(place, "config", "dump", *stack)
        assert first.exit_code == 0, first.output
        dumped = tmp_path / "dumped" / "kong.yaml"
        written = await run_against(place, "config", "dump", *stack, "-o", str(dumped))
        assert (written.exit_code, written.output) == (0, "")
        assert dumped.stat().st_mode & 0o777 == 0o600
        assert dumped.read_text() == first.output
        same = await run_against(place, "config", "sync", "-", *stack, pipe=first.output)
        assert (same.exit_code, same.output) == (0, "no difference\n")
        elsewhere = ("--owner", "stack-other")
        await place.ask("DELETE", "/owners/stack-local")
        done = await run_against(place, "config", "sync", str(dumped), *elsewhere)
        assert done.exit_code == 0, done.output
        again = await run_against(place, "config", "dump", *elsewhere)
        assert again.output == first.output
        as_json = json.loads(
            (await run_against(place, "config", "dump", *elsewhere, "--json")).output
        )
        assert as_json["services"][0]["name"] == "shop"
        nobody = await run_against(place, "config", "dump", "--owner", "nobody")
        assert nobody.exit_code == 1
        assert 'owner "nobody" has no entities' in nobody.output


async def test_older_files_are_converted_without_a_control_plane(tmp_path: Path) -> None:
    async with running(tmp_path / "plane") as place:
        old = 'services: [{name: a, host: "${{ env "DECK_HOST" }}"}]'
        done = await run_against(place, "config", "convert", "-", pipe=old)
        expected = '_format_version: "3.0"\nservices:\n- name: a\n  host: ${{ env "DECK_HOST" }}\n'
        assert (done.exit_code, done.output.replace("'", '"')) == (0, expected)
        out = tmp_path / "new.yaml"
        await run_against(place, "config", "convert", "-", "-o", str(out), pipe=old)
        assert out.read_text() == done.output
        lost = await run_against(place, "config", "convert", "-", "-o", "/proc/x/y", pipe=old)
        assert lost.exit_code == 1
        assert "cannot write /proc/x/y" in lost.output


async def test_select_tags_part_what_an_owner_has(tmp_path: Path) -> None:
    async with running(tmp_path / "plane") as place:
        for name in ("one", "two"):
            file = _file(tmp_path, f"services: [{{name: {name}, host: h.test}}]", f"{name}.yaml")
            done = await run_against(place, "config", "sync", file, "--select-tag", name)
            assert done.exit_code == 0, done.output
        dumped = await run_against(place, "config", "dump", "--select-tag", "one")
        assert "name: one" in dumped.output
        assert "two" not in dumped.output
        same = await run_against(place, "config", "diff", "-", pipe=dumped.output)
        assert (same.exit_code, same.output) == (0, "no difference\n")
        none = "_info: {select_tags: [one]}"
        gone = await run_against(place, "config", "sync", "-", "--json", pipe=none)
        assert json.loads(gone.output)["summary"]["removed"] == 1
        left = (await place.ask("GET", "/services")).body["data"]
        assert [one["name"] for one in left] == ["two"]


async def test_select_tags_of_a_publishing_call_are_texts(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        wrong: Any
        for wrong in ("x", [1], {}):
            reply = await place.publish({}, select_tags=wrong)
            assert reply.status == 400
            assert reply.body["fields"] == {"select_tags": "expected an array of strings"}


async def test_files_with_a_terminal_are_asked_about_before_they_delete(tmp_path: Path) -> None:
    empty = _file(tmp_path, "_format_version: '3.0'", "empty.yaml")
    file = _file(tmp_path)
    async with running(tmp_path / "plane") as place:
        await run_against(place, "config", "sync", file, DECK_HOST="a.test")
        url = f"http://127.0.0.1:{place.port('admin')}"
        code, said = await _on_a_terminal(b"n\n", "config", "sync", empty, "--url", url)
        assert "Delete 5 entities? [y/N]" in said
        assert "nothing was changed" in said
        assert code == 1
        assert len(await _releases(place)) == 1
        words = ("config", "sync", empty, "--url", url)
        code, said = await _on_a_terminal(b"", *words, kill_at=b"[y/N]")
        assert code == -signal.SIGKILL
        assert len(await _releases(place)) == 1
        code, said = await _on_a_terminal(b"", *words, "--yes")
        assert code == 0, said
        assert "published as release 2" in said
        assert "\x1b[31m" in said


async def _on_a_terminal(
    typed: bytes, *words: str, kill_at: bytes | None = None
) -> tuple[int, str]:
    """Run a command on a terminal of its own; returns exit code and what stood there."""
    ours, its = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    command = (sys.executable, "-m", "gateway.cli", *words)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=its, stdout=its, stderr=its, env=environment
    )
    os.close(its)
    os.write(ours, typed)
    shown = b""
    # The other end is closed when the command has ended.
    with suppress(OSError):
        while part := await asyncio.to_thread(os.read, ours, 65536):
            shown += part
            if kill_at is not None and kill_at in shown:
                process.kill()
    os.close(ours)
    return await process.wait(), shown.decode()


async def test_what_is_forbidden_or_refused_is_one_sentence(tmp_path: Path) -> None:
    file = _file(tmp_path)
    async with running(tmp_path / "plane", admin_token="planted-admin-token") as place:
        admin = {"KAFKA_GATEWAY_TOKEN": "planted-admin-token", "DECK_HOST": "a.test"}
        made = await run_against(place, "token", "create", "reader", **admin)
        reader = {**admin, "KAFKA_GATEWAY_TOKEN": made.output.strip()}
        assert (await run_against(place, "config", "diff", file, **reader)).exit_code == 2
        forbidden = await run_against(place, "config", "sync", file, **reader)
        assert forbidden.exit_code == 1
        assert "403: reader, you do not have permissions" in forbidden.output
        async with place.serving(lambda _: "no such secret"):
            refused = await run_against(place, "config", "sync", file, "--wait", "30", **admin)
        assert refused.exit_code == 1
        assert "refused it: no such secret" in refused.output
        place.headers = {"Kong-Admin-Token": "planted-admin-token"}
        assert (await place.ask("GET", "/services")).body["data"] == []
        theirs = await run_against(place, "config", "sync", file, "--owner", "other", **admin)
        assert theirs.exit_code == 0, theirs.output
        taken = await run_against(place, "config", "sync", file, **admin)
        assert taken.exit_code == 1
        assert 'belongs to owner "other"' in taken.output


def test_a_control_plane_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    file = _file(tmp_path, "services: [{name: a, host: a.test}]")
    for words in (("config", "sync", file), ("config", "dump"), ("release", "list")):
        done = CliRunner().invoke(application(), [*words, "--url", url])
        assert done.exit_code == 1
        assert done.output == f"error: {url} does not answer (Connection refused)\n"


async def test_a_certificate_is_verified_by_its_authority(tmp_path: Path) -> None:
    file = _file(tmp_path, "services: [{name: a, host: a.test}]")
    authority, (certificate, key) = Authority(), (tmp_path / "admin.crt", tmp_path / "admin.key")
    authority.issue("localhost", server=True).write(tmp_path, "admin")
    (tmp_path / "ca.pem").write_text(authority.pem)
    tls = {"admin_ssl_cert": str(certificate), "admin_ssl_cert_key": str(key)}
    async with running(tmp_path / "plane", admin_listen="127.0.0.1:0 ssl", **tls) as place:
        words = ("config", "sync", file, "--url", f"https://localhost:{place.port('admin')}")
        strange = await run_against(place, *words)
        assert strange.exit_code == 1
        assert "certificate verify failed" in strange.output
        known = await run_against(place, *words, "--ca", str(tmp_path / "ca.pem"))
        assert known.exit_code == 0, known.output
        assert known.output.endswith("published as release 1\n")


async def test_what_belongs_to_nobody_stays_and_is_taken_over_by_its_ids(tmp_path: Path) -> None:
    async with running(tmp_path / "plane") as place:
        made = await place.ask("POST", "/services", {"name": "s", "host": "s.test"})
        await place.ask("POST", "/services/s/routes", {"name": "r", "paths": ["/r"]})
        empty = _file(tmp_path, '_format_version: "3.0"\n', "empty.yaml")
        left = await run_against(place, "config", "sync", empty, *OWNER)
        assert (left.exit_code, left.output) == (0, "no difference\n")
        dumped = tmp_path / "dumped.yaml"
        words = ("config", "dump", "--unowned", "-o", str(dumped))
        assert (await run_against(place, *words)).exit_code == 0
        done = await run_against(place, "config", "sync", str(dumped), *OWNER)
        assert done.exit_code == 0, done.output
        assert f"owner: null -> {OWNER[1]}" in done.output, done.output
        again = await run_against(place, "config", "sync", str(dumped), *OWNER)
        assert again.output == "no difference\n"
        shown = (await place.ask("GET", "/services/s")).body
        assert shown["id"] == made.body["id"]
        nothing = await run_against(place, "config", "dump", "--unowned")
        assert nothing.output == "_format_version: '3.0'\n"
