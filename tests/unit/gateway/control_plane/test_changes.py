# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import pytest

from gateway.control_plane import changes
from gateway.entities.checks import Table
from gateway.errors import (
    DocumentError,
    InvalidKey,
    NotFound,
    ReferenceViolation,
    SchemaViolation,
    UniqueViolation,
)
from tests.support.certificates import self_signed

NOW = 1_700_000_000


def service(table: Table | None = None, **fields: Any) -> changes.Written:
    return changes.create(table or {}, "services", {"host": "a.test", **fields}, NOW)


def test_no_change_touches_the_table_it_is_given() -> None:
    before = service(name="a").table
    copied = copy.deepcopy(before)
    changes.create(before, "services", {"name": "b", "host": "b.test"}, NOW + 1)
    changes.put(before, "services", "a", {"host": "b.test"}, NOW + 1)
    changes.patch(before, "services", "a", {"host": "b.test"}, NOW + 1)
    changes.delete(before, "services", "a")
    assert before == copied


def test_times_say_when_it_was_made_and_when_it_changed() -> None:
    made = service(name="a")
    same = changes.put(made.table, "services", "a", {"host": "a.test"}, NOW + 9)
    assert (same.row["created_at"], same.row["updated_at"]) == (NOW, NOW)
    assert same.table == made.table
    other = changes.patch(same.table, "services", "a", {"host": "b.test"}, NOW + 9)
    assert (other.row["created_at"], other.row["updated_at"]) == (NOW, NOW + 9)


def test_a_patch_cannot_change_id_or_time_of_creation() -> None:
    made = service(name="a")
    change = {"id": str(uuid4()), "created_at": 1, "retries": 1}
    patched = changes.patch(made.table, "services", "a", change, NOW + 9)
    assert (patched.row["id"], patched.row["created_at"]) == (made.row["id"], NOW)


def test_an_entity_without_a_name_in_urls_is_found_by_id_only() -> None:
    certificate, key = self_signed()
    made = changes.create({}, "certificates", {"cert": certificate, "key": key}, NOW)
    assert changes.get(made.table, "certificates", made.row["id"]) == made.row
    authority, _ = self_signed("authority", authority=True)
    with pytest.raises(InvalidKey):
        changes.put(made.table, "ca_certificates", "name", {"cert": authority}, NOW)


def test_a_key_of_another_certificate_is_refused() -> None:
    certificate, _ = self_signed("one")
    _, key = self_signed("two")
    with pytest.raises(DocumentError, match="certificate does not match key"):
        changes.create({}, "certificates", {"cert": certificate, "key": key}, NOW)


def test_what_is_in_use_cannot_be_deleted_also_when_it_is_in_a_list() -> None:
    certificate, _ = self_signed("authority", authority=True)
    made = changes.create({}, "ca_certificates", {"cert": certificate}, NOW)
    used = service(made.table, name="a", protocol="https", ca_certificates=[made.row["id"]])
    expected = "an existing 'services' entity references this 'ca_certificates' entity"
    with pytest.raises(ReferenceViolation, match=expected):
        changes.delete(used.table, "ca_certificates", made.row["id"])


def test_references_to_nothing_are_refused_also_in_lists() -> None:
    with pytest.raises(ReferenceViolation, match="existing 'certificates' entity"):
        service(protocol="https", client_certificate=str(uuid4()))
    with pytest.raises(ReferenceViolation, match="existing 'ca_certificates' entity"):
        service(protocol="https", ca_certificates=[str(uuid4())])


def test_the_same_plugin_may_be_on_two_routes_but_not_twice_on_one() -> None:
    table: Table = {}
    for name in ("a", "b"):
        table = changes.create(table, "routes", {"name": name, "paths": [f"/{name}"]}, NOW).table
    config = {"topic": "t", "bootstrap_servers": [{"host": "localhost", "port": 9092}]}
    for name in ("a", "b"):
        plugin = {"name": "kafka-upstream", "config": config, "route": {"name": name}}
        table = changes.create(table, "plugins", plugin, NOW).table
    with pytest.raises(UniqueViolation, match="kafka-upstream"):
        changes.create(table, "plugins", plugin, NOW)


def test_deleting_what_is_not_there_says_so() -> None:
    with pytest.raises(NotFound):
        changes.delete({}, "services", "a")


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(SchemaViolation, match="unknown field"):
        service(name="a", hots="b")
