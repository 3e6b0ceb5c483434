# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents.deck_files import DeckFiles, converted, read_files
from gateway.errors import DocumentError


def _read(*sources: object, pipe: bytes = b"") -> DeckFiles:
    return read_files([str(one) for one in sources], {"DECK_HOST": "h.test"}, lambda: pipe)


def _write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_files_folders_and_a_pipe_are_one_document(tmp_path: Path) -> None:
    inner = tmp_path / "more"
    inner.mkdir()
    _write(tmp_path, a='services: [{name: a, host: ${{ env "DECK_HOST" }}}]')
    _write(inner, b="routes: [{name: r, paths: [/r], service: {name: a}}]")
    (inner / "notes.txt").write_text("not: [read")
    found = _read(tmp_path, "-", pipe=b"\xef\xbb\xbfservices: [{name: c, host: c.test}]")
    assert set(found.document["services"]) == {"a", "c"}
    assert found.document["services"]["a"]["host"] == "h.test"
    assert set(found.document["routes"]) == {"r"}


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ('_format_version: "3.0"', '_format_version: "1.1"', "_format_version: 1.1 here"),
        ("_workspace: default", "_workspace: x", "_workspace: x here, and default in"),
        ("_info: {select_tags: [a]}", "_info: {select_tags: [b]}", "_info.select_tags: ['b'] here"),
    ],
)
def test_headers_that_contradict_each_other_are_refused(
    tmp_path: Path, one: str, other: str, said: str
) -> None:
    _write(tmp_path, a=one, b=other)
    with pytest.raises(DocumentError) as caught:
        _read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/b.yaml: {said}")


def test_select_tags_said_by_one_file_hold_for_all(tmp_path: Path) -> None:
    _write(tmp_path, a="_info: {select_tags: [t]}", b="services: [{name: s, host: s.test}]")
    found = _read(tmp_path)
    assert found.select_tags == ("t",)
    assert found.document["services"]["s"]["tags"] == ["t"]


def test_what_cannot_be_read_is_said_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.yaml").write_text("services: [")
    with pytest.raises(DocumentError) as caught:
        _read(tmp_path, tmp_path / "none.yaml")
    first, second, third = str(caught.value).splitlines()
    assert first == f"{tmp_path}/a.yaml: is not UTF-8 text"
    assert second.startswith(f"{tmp_path}/b.yaml: line 2, column 1: did not")
    assert third == f"{tmp_path}/none.yaml: cannot be read: No such file or directory"
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DocumentError, match=r"has no file that ends in \.yaml"):
        _read(empty)


def test_names_that_two_files_have_are_refused(tmp_path: Path) -> None:
    text = "services: [{name: a, host: a.test}]"
    _write(tmp_path, a=text, b=text)
    with pytest.raises(DocumentError, match=r'b\.yaml: services\[0\]: "a" stands there twice'):
        _read(tmp_path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.documents.deck_files.LARGEST_FILE", 1024 * 1024)
    (tmp_path / "a.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(DocumentError, match="has more than 1 MiB; split it up"):
        _read(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '_format_version: "1.1"\nservices: [{name: a, host: "${{ env "DECK_HOST" }}", '
            'port: ${{ env "DECK_PORT" | toInt }}, routes: [{name: r, paths: [/a/(b|c)]}]}]',
            '_format_version: "3.0"\nservices:\n- name: a\n  host: ${{ env "DECK_HOST" }}\n'
            '  port: ${{ env "DECK_PORT" | toInt }}\n  routes:\n  - name: r\n    paths:\n'
            "    - ~/a/(b|c)\n",
        ),
        (
            '_format_version: "0.1"\nservice_packages: [{name: a, versions: [{version: v1, '
            "implementation: {type: kong-gateway, kong: {service: {host: a.test}}}}]}]",
            '_format_version: "3.0"\nservices:\n- name: a\n  host: a.test\n',
        ),
        (
            '_format_version: "3.0"\n_info: {select_tags: [t]}',
            '_format_version: "3.0"\n_info:\n  select_tags:\n  - t\n',
        ),
    ],
)
def test_older_files_are_written_in_todays_format_with_their_templates(
    text: str, expected: str
) -> None:
    expected = expected.replace('"3.0"', "'3.0'")
    assert converted("-", text.encode) == expected
    # What is new stays.
    assert converted("-", expected.encode) == expected


def test_select_tags_are_given_by_the_files_or_the_caller() -> None:
    text = b"services: [{name: s, host: s.test, tags: [own]}]"
    found = read_files(["-"], {}, lambda: text, ["a", "b", "a"])
    assert found.select_tags == ("a", "b")
    assert found.document["services"]["s"]["tags"] == ["own", "a", "b"]
    with_tags = b"_info: {select_tags: [b, a]}"
    assert read_files(["-"], {}, lambda: with_tags, ["a", "b"]).select_tags == ("b", "a")
    with pytest.raises(DocumentError, match="the files have b, a, and asked for are c; they must"):
        read_files(["-"], {}, lambda: with_tags, ["c"])
    for wrong in (b"_info: {select_tags: [1]}", b"_info: {select_tags: x}", b"_info: [x]"):
        with pytest.raises(DocumentError, match=r"_info\.select_tags: expected a list of texts"):
            read_files(["-"], {}, lambda wrong=wrong: wrong)  # type: ignore[misc]  # a default


def test_what_cannot_be_converted_is_said_with_its_file() -> None:
    with pytest.raises(DocumentError, match=r'^-: _format_version: "9" is not known'):
        converted("-", '_format_version: "9"'.encode)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("_info: 1", "_info.select_tags: expected a list of texts"),
        ("_info: {defaults: x}", "_info.defaults: expected a map"),
        ("_info: {defaults: {service: [1]}}", "_info.defaults.service: expected a map"),
        ("_plugin_configs: [1]", "_plugin_configs: expected a map"),
        ("certificates: [{snis: 1}]", "].snis: expected a list of entities"),
        ("certificates: [{snis: {a: b}}]", "certificates"),
        ("_info: {select_tags: [t]}\nservices: [{name: a, host: a.test, tags: 1}]", "tags"),
        ("{_plugin_configs: {c: {}}, plugins: [{name: cors, _config: c, config: 1}]}", "config"),
        ("{_plugin_configs: {c: 1}, plugins: [{name: cors, _config: c}]}", '"c" is unknown'),
        ("{plugins: [{name: cors, _config: [c]}]}", "is unknown"),
        ('{_format_version: "0.1", service_packages: 1}', "service_packages: expected a list"),
        (
            '{_format_version: "0.1", service_packages: [{name: a, versions: 1}]}',
            "service_packages[0].versions: expected a list",
        ),
    ],
)
def test_what_is_no_list_or_map_where_one_belongs_is_said(text: str, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_files(["-"], {}, text.encode)
    assert said in str(caught.value)


def test_what_only_a_stack_fills_in_is_refused_and_other_texts_stay() -> None:
    text = b"services: [{name: a, host: a.test, tags: ['${x}', '${']}]"
    found = read_files(["-"], {}, lambda: text)
    assert found.document["services"]["a"] == {"host": "a.test", "tags": ["${x}", "${"]}
    stack = b"services: [{name: a, host: '${stack.name}', tags: ['x${ kafka.topics.a }']}]"
    with pytest.raises(DocumentError) as caught:
        read_files(["-"], {}, lambda: stack)
    assert [line.partition(" is ")[0] for line in caught.value.problems] == [
        '-: services["a"].host: ${stack.name}',
        '-: services["a"].tags[0]: ${ kafka.topics.a }',
    ]


_WORDS = st.sampled_from(
    ["services", "routes", "plugins", "consumers", "groups", "consumer_groups", "certificates",
     "snis", "name", "username", "id", "cert", "url", "config", "_config", "_info", "_transform",
     "select_tags", "defaults", "service", "route", "_plugin_configs", "tags", "instance_name",
     "upstreams", "targets", "target", "vaults", "_format_version", "service_packages", "versions",
     "implementation", "kong", "paths", "consumer", "keyauth_credentials", "key", "password",
     "basicauth_credentials", "consumer_group_consumers", "_workspace", "x"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 99999)
    | st.sampled_from(["a", "key-auth", "3.0"])
    | st.text("a$ {é", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_WORDS, _VALUES, max_size=4), st.sampled_from(["0.1", "1.1", "3.0"]))
def test_whatever_a_file_says_is_read_or_told_about(raw: dict[str, Any], version: str) -> None:
    text = json.dumps({"_format_version": version, **raw}).encode()
    with suppress(DocumentError):
        read_files(["-"], {}, lambda: text)
    with suppress(DocumentError):
        converted("-", lambda: text)


@pytest.mark.parametrize("text", ["", "\n", "# routes\n", "---\n", "{}"])
def test_what_holds_nothing_is_not_taken_for_a_document_without_entities(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(DocumentError, match="-: holds nothing"):
        _read("-", pipe=text.encode())
    _write(tmp_path, a=text)
    with pytest.raises(DocumentError, match="holds nothing"):
        _read(tmp_path)
    _write(tmp_path, b='_format_version: "3.0"')
    assert _read(tmp_path).document == {}
