# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.commands.admin_client import TOKEN, admin_api, ask
from gateway.commands.command_line import application
from gateway.errors import CommandFailed, EndpointUnreachable
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.fixed_response import FixedResponse
from tests.support.ports import free_ports


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


def test_the_token_comes_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    assert "Kong-Admin-Token" not in admin_api("http://a.test").headers
    monkeypatch.setenv(TOKEN, "of-the-environment")
    assert admin_api("http://a.test").headers["Kong-Admin-Token"] == "of-the-environment"
    api = admin_api("http://a.test", file)
    assert api.headers["Kong-Admin-Token"] == "of-the-file"
    assert "of-the-file" not in repr(api)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r'"a.test:8001" is no address like http'):
        admin_api("a.test:8001")
    with pytest.raises(CommandFailed, match="cannot read"):
        admin_api("http://a.test", tmp_path / "none")
    (tmp_path / "token").write_bytes(b"\xff")
    with pytest.raises(CommandFailed, match="it is not UTF-8"):
        admin_api("http://a.test", tmp_path / "token")
    (tmp_path / "token").write_text("two\nlines")
    with pytest.raises(CommandFailed, match="no header can have"):
        admin_api("http://a.test", tmp_path / "token")


def test_a_refusal_is_in_the_words_of_the_api_with_what_to_do() -> None:
    text = f"401: Unauthorized; set {TOKEN}, or give"
    with FakeControlPlane().running() as plane, pytest.raises(CommandFailed, match=text):
        ask(admin_api(plane.url), "GET", "/owners/x")


def test_an_api_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(EndpointUnreachable, match="does not answer"):
        ask(admin_api(f"http://127.0.0.1:{free_ports(1)[0]}"), "GET", "/")


OTHERS = [b"", b"<html>", b"null", b"5", b"[]", b"{}", b'{"data":5,"next":null}', b'{"data":[5]}']
OTHERS += [b'{"data":[{}],"next":null}', b'{"data":[{"number":1}],"next":5}', b"[" * 100_000]


@pytest.mark.parametrize("body", OTHERS)
@pytest.mark.parametrize(
    "words",
    [
        ["token", "list"],
        ["token", "create", "x"],
        ["release", "list"],
        ["release", "show"],
        ["release", "show", "1"],
        ["release", "diff", "1", "2"],
        ["release", "rollback", "1"],
        ["config", "diff", "-"],
        ["config", "dump"],
    ],
    ids=" ".join,
)
def test_what_is_no_admin_api_of_ours_is_said_to_be_none(words: list[str], body: bytes) -> None:
    with FixedResponse(body).running() as other:
        given = [*words, "--url", other.url]
        done = CliRunner().invoke(application(), given, input='_format_version: "3.0"')
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {other.url} is no Admin API of kafka-gateway; give the right --url\n"
    )
