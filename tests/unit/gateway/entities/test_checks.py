# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.entities.checks import Table, check_table
from gateway.errors import DocumentError
from tests.support.certificates import self_signed


def _table(**collections: list[dict[str, Any]]) -> Table:
    return {name: [validate_row(name, row) for row in rows] for name, rows in collections.items()}


def _problems(table: Table) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        check_table(table)
    return caught.value.problems


ID = "00000000-0000-4000-8000-00000000000{}"


def test_a_sound_table_passes() -> None:
    service = {"id": ID.format(1), "name": "a", "host": "a.test"}
    route = {"name": "r", "paths": ["/"], "service": ID.format(1)}
    check_table(_table(services=[service], routes=[route]))


def test_a_reference_to_nothing_is_named() -> None:
    route = {"name": "r", "paths": ["/"], "service": ID.format(1)}
    (problem,) = _problems(_table(routes=[route]))
    assert problem.startswith('routes["r"].service: the foreign key')
    assert "existing 'services' entity" in problem


def test_a_ca_certificate_that_is_not_there_is_named() -> None:
    service = {
        "name": "a",
        "host": "a.test",
        "protocol": "https",
        "ca_certificates": [ID.format(1)],
    }
    (problem,) = _problems(_table(services=[service]))
    assert problem.startswith('services["a"].ca_certificates: ')


def test_two_entities_of_the_same_name_are_one_problem() -> None:
    services = [{"name": "a", "host": "a.test"}, {"name": "a", "host": "b.test"}]
    (problem,) = _problems(_table(services=services))
    assert 'the same name "a"' in problem


def test_entities_without_name_do_not_collide() -> None:
    check_table(_table(services=[{"host": "a.test"}, {"host": "b.test"}]))


def test_the_same_plugin_twice_for_the_same_requests_is_a_problem() -> None:
    plugin = {"name": "kafka-upstream", "config": {"topic": "t"}}
    assert len(_problems(_table(plugins=[plugin, plugin]))) == 1


def test_an_api_key_that_two_consumers_have_is_a_problem_that_does_not_show_it() -> None:
    consumers = [{"id": ID.format(n), "username": f"c{n}"} for n in (1, 2)]
    keys = [{"consumer": ID.format(n), "key": "planted"} for n in (1, 2)]
    (problem,) = _problems(_table(consumers=consumers, keyauth_credentials=keys))
    assert "planted" not in problem


def test_a_certificate_must_match_its_key() -> None:
    (cert, key), (_, other) = self_signed("one"), self_signed("two")
    check_table(_table(certificates=[{"cert": cert, "key": key}]))
    (problem,) = _problems(_table(certificates=[{"cert": cert, "key": other}]))
    assert problem.endswith(".key: certificate does not match key")


def test_certificates_behind_references_are_left_to_data_planes() -> None:
    check_table(_table(certificates=[{"cert": "{vault://env/A}", "key": "{vault://env/B}"}]))


def test_the_client_certificate_of_a_kafka_plugin_must_be_there() -> None:
    security = {"certificate_id": ID.format(1)}
    plugin = {"name": "kafka-upstream", "config": {"topic": "t", "security": security}}
    (problem,) = _problems(_table(plugins=[plugin]))
    assert ".config.security.certificate_id: " in problem
    cert, key = self_signed()
    certificate = {"id": ID.format(1), "cert": cert, "key": key}
    check_table(_table(plugins=[plugin], certificates=[certificate]))


def test_an_unknown_collection_is_a_problem() -> None:
    assert _problems({"bananas": []})[0].startswith("bananas: unknown collection")
