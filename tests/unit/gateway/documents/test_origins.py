# SPDX-License-Identifier: Apache-2.0
"""An error names the file that has the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.documents.deck_files import read_files
from gateway.documents.origins import FileOrigins
from gateway.errors import DocumentError

GOOD = """
services: [{name: s, host: s.test, routes: [{name: r, paths: [/r]}]}]
consumers: [{username: ann}]
plugins: [{name: cors}]
"""


@pytest.mark.parametrize(
    "wrong",
    [
        "services: [{name: x, host: x.test, prot: http}]",
        "upstreams: [{algorithm: x}]",
        "services: [7]",
        "services: [{name: s, host: other.test}]",
        "services: [{name: x, host: x.test, routes: [{name: y, paths: [z]}]}]",
        "services: [{name: x, host: x.test, routes: [{name: y}, 5]}]",
        "services: [{name: 'a \"b', host: x.test}]",
        "servces: [{name: x, host: x.test}]",
        "routes: [{name: r, paths: [/other]}]",
        "routes: [{name: q, paths: [/q], service: {name: none}}]",
        "plugins: [{name: key-auth, route: none}]",
        "plugins: [{name: cors, config: {max_age: x}}]",
        "consumers: [{username: bob, acls: [{group: 5}]}]",
        "consumer_groups: [{name: g, consumers: [{username: nobody}]}]",
        "upstreams: [{name: u, targets: [{target: 'x:y'}]}]",
        "partials: [{name: p, type: redis-xx}]",
        "consumers: {}",
        "_infos: {}",
        "_info: {select_tags: x}",
        "_plugin_configs: []",
    ],
)
def test_of_several_files_the_one_with_the_fault_is_named(tmp_path: Path, wrong: str) -> None:
    texts = {"a": GOOD, "b": wrong, "c": "services: [{name: last, host: last.test}]"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_files([str(tmp_path)], {}, lambda: b"")
    lines = str(caught.value).splitlines()
    assert lines
    assert all(line.startswith(f"{tmp_path}/b.yaml: ") for line in lines), lines


def test_what_is_no_path_names_all_files() -> None:
    origins = FileOrigins()
    origins.note("a", {"services": []})
    origins.note("b", {})
    assert str(origins.named(["is wrong"])) == "a, b: is wrong"
    assert str(origins.named(["other[4]: is wrong"])) == "a, b: other[4]: is wrong"


def test_positions_are_those_in_the_file() -> None:
    origins = FileOrigins()
    origins.note("a", {"services": [{"name": "s"}]})
    origins.note("b", {"services": [{"name": "t"}, {"name": "s"}]})
    told = str(origins.named(["services[2]: is there twice", 'services["s"].port: is wrong']))
    assert told == 'b: services[1]: is there twice\nb: services["s"].port: is wrong'
