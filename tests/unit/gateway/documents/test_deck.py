# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.documents.deck import load_deck, parse, read_deck, read_table
from gateway.documents.diff import diff_documents
from gateway.documents.document import to_table
from gateway.errors import DocumentError
from tests.support.authority import Authority
from tests.support.documents import PLUGIN, plugin_of

FULL = Path("tests/vectors/routes-in-full.yaml")
LOCAL = Path("stacks/gateway/local.yaml")
STORY = Path("tests/vectors/konnect-0.1-kafka.yaml")
SERVERS = [{"host": "xxx-yyyyy.us-east-2.aws.confluent.cloud", "port": 9092}]
PLACEHOLDERS = {
    "kafka.bootstrap_servers": SERVERS,
    "kafka.topics.topictest": "topictest",
    "stack.name": "local",
}


def _edited(tmp_path: Path, old: str, new: str) -> Path:
    text = FULL.read_text()
    assert old in text
    path = tmp_path / "routes.yaml"
    path.write_text(text.replace(old, new))
    return path


def _problem(path: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        load_deck(path, PLACEHOLDERS)
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())
    return "\n".join(caught.value.problems)


def _entities(path: Path) -> list[dict[str, Any]]:
    """Return a file's entities with their defaults, without the ids that tell them apart."""
    table = to_table(load_deck(path, PLACEHOLDERS), "stack-local", 1)
    rows = [row for collection in table.values() for row in collection]
    return [{k: v for k, v in row.items() if k not in ("id", "service", "route")} for row in rows]


def test_the_local_stack_leaves_out_nothing_but_defaults() -> None:
    assert _entities(LOCAL) == _entities(FULL)
    assert len(LOCAL.read_text().splitlines()) < len(FULL.read_text().splitlines()) / 2


def test_the_full_routes_have_all_values_of_the_hand_made_ones_but_for_the_key() -> None:
    authentication = f"{PLUGIN}.config.authentication"
    expected = {f"{authentication}.user": "update", f"{authentication}.password": "update"}
    assert diff_documents(load_deck(STORY, {}), load_deck(FULL, PLACEHOLDERS)) == expected


def test_the_plain_proxy_of_the_story_loads() -> None:
    document = load_deck(Path("tests/vectors/konnect-0.1-route.yaml"), {})
    assert list(document["services"]["httpbinservice"]["routes"]) == ["httpbinroute"]


def test_the_topic_may_be_a_placeholder(tmp_path: Path) -> None:
    path = _edited(tmp_path, "topic: topictest", "topic: ${kafka.topics.topictest}")
    assert plugin_of(load_deck(path, PLACEHOLDERS))["config"]["topic"] == "topictest"


def test_opaque_values_pass_through_untouched() -> None:
    output = object()
    document = load_deck(FULL, {"kafka.bootstrap_servers": output})
    assert plugin_of(document)["config"]["bootstrap_servers"] is output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: kafka-upstream", "name: kafka-upstrem", 'did you mean "kafka-upstream"?'),
        ("topic: topictest", "topik: topictest", f"{PLUGIN}.config.topik: unknown field; did you"),
        ("timeout: 10000", "timeout: 10s", ".config.timeout: expected an integer; got a string"),
        ("mechanism: PLAIN", "mechanism: PLAN", 'did you mean "PLAIN"?'),
        ("${kafka.bootstrap_servers}", "${kafka.bootstrap}", "unknown placeholder"),
        ("topic: topictest", "topic: ${kafka.topics.topictst}", "allowed: ${kafka.bootstrap_serv"),
        ("services:", "servces:", 'servces: unknown collection; did you mean "services"?'),
        (
            "retries: 5",
            "retries: 5\n    retries: 6",
            'column 5: the key "retries" stands here twice',
        ),
        (
            '"3.0"',
            '"2.0"',
            '_format_version: "2.0" is not known; allowed: "0.1", "1.1", "2.1", "3.0"',
        ),
        ("    host: httpbin.org\n", "", 'services["httpbinservice"].host: required field missing'),
    ],
)
def test_a_mistake_names_file_path_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert expected in _problem(_edited(tmp_path, old, new))


def test_several_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = _edited(tmp_path, "timeout: 10000", "timeout: x\n              topik: y")
    assert len(_problem(path).splitlines()) == 2


@pytest.mark.parametrize("content", [b"a: [", b"- a", b"\xff\xfe", b"a: b: c"])
def test_what_is_no_deck_file_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "routes.yaml"
    path.write_bytes(content)
    _problem(path)


@pytest.mark.parametrize("written", ["3.0", '"3.0"', "'3.0'", "2.1", "1.1"])
def test_a_format_is_known_with_quotes_and_without(tmp_path: Path, written: str) -> None:
    file = tmp_path / "kong.yaml"
    file.write_text(f"_format_version: {written}\nroutes:\n- name: r\n  paths: [/r]\n")
    assert list(load_deck(file, {})["routes"]) == ["r"]


def test_a_condition_comes_through_and_a_wrong_one_is_named_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "kong.yaml"
    text = """_format_version: "3.0"
plugins:
- name: request-termination
  condition: http.headers.x_block == "true"
"""
    file.write_text(text)
    (row,) = to_table(load_deck(file, {}), "stack-local", 1)["plugins"]
    assert row["condition"] == 'http.headers.x_block == "true"'
    file.write_text(text.replace("==", "=>"))
    with pytest.raises(DocumentError, match=r"condition: line 1, column"):
        load_deck(file, {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in _problem(tmp_path / "none.yaml")


def test_an_empty_file_is_an_empty_document(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text("# nothing yet\n")
    assert load_deck(path, {}) == {}


def test_several_versions_of_a_package_have_names_of_their_own() -> None:
    kong: dict[str, Any] = {"kong": {"service": {"host": "a.test"}}}
    versions = [{"version": v, "implementation": kong} for v in ("v1", "v2")]
    text = f"{{_format_version: '0.1', service_packages: [{{name: a, versions: {versions}}}]}}"
    assert [service["name"] for service in parse(text)["services"]] == ["a-v1", "a-v2"]


def test_decks_own_environment_expressions_are_read(tmp_path: Path) -> None:
    path = _edited(tmp_path, "port: 80", 'port: ${{ env "DECK_PORT" | toInt }}')
    document = load_deck(path, PLACEHOLDERS, {"DECK_PORT": "8080"})
    assert document["services"]["httpbinservice"]["port"] == 8080
    assert "DECK_PORT is not set" in _problem(path)


def test_an_authority_may_be_named_by_its_certificate(tmp_path: Path) -> None:
    one, other = Authority("one"), Authority("other")
    number = "0d769de8-7cc0-4541-989b-f9c23e20054c"

    def authority_of(reference: Any) -> Any:
        credential = {"subject_name": "printer", "ca_certificate": reference}
        file = tmp_path / "kong.yaml"
        content = {
            "_format_version": "3.0",
            "ca_certificates": [{"id": number, "cert": one.pem}],
            "consumers": [{"username": "bob", "mtls_auth_credentials": [credential]}],
        }
        file.write_text(yaml.safe_dump(content))
        (row,) = read_deck(file, {})[1]["mtls_auth_credentials"]
        return row["ca_certificate"]

    assert authority_of(one.pem.strip()) == authority_of({"id": one.pem}) == number
    with pytest.raises(DocumentError, match="the certificate is not one of the ca_certificates"):
        authority_of(other.pem)


def test_anchors_may_stand_for_much_but_not_for_everything() -> None:
    shared = "x: &x [a, b]\nroutes: [*x, *x]\n"
    assert parse(shared)["routes"] == [["a", "b"], ["a", "b"]]
    with pytest.raises(DocumentError, match="contains itself"):
        parse("services: &s\n- routes: *s\n")
    lines = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 9))
    with pytest.raises(DocumentError, match="more than 5000000 values"):
        parse("\n".join(["a0: &a0 [x]", *lines]))


@pytest.mark.parametrize("path", [STORY, FULL])
def test_rows_read_at_once_are_those_of_the_document(tmp_path: Path, path: Path) -> None:
    file = tmp_path / path.name
    # Without placeholders, as a node's own file.
    file.write_text(path.read_text().replace("${kafka.bootstrap_servers}", str(SERVERS)))
    assert read_table(file, "declarative", 7, {}) == to_table(load_deck(file, {}), "declarative", 7)
