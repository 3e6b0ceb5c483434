# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.control_plane.releases import Releases
from gateway.errors import DocumentError, NotFound
from gateway.hybrid.config_hash import ZERO_HASH
from tests.support.documents import story
from tests.support.storage import Storage


@pytest.fixture
def releases(storage: Storage) -> Releases:
    return Releases(storage.store(), 4 * 1024**2)


def service(host: str) -> dict[str, Any]:
    return {"services": {"s": {"host": host}}}


def test_too_large_a_configuration_is_refused_before_it_is_written(releases: Releases) -> None:
    small = Releases(releases.store, 500)
    with pytest.raises(DocumentError, match="KONG_CLUSTER_MAX_PAYLOAD"):
        small.publish("a", story(), "who", "message")
    assert releases.store.newest() is None
    assert releases.newest_push() is None


def test_the_push_of_the_newest_release_is_made_once(releases: Releases) -> None:
    result = releases.publish("a", story(), "who", "message")
    assert releases.newest_push() is result.push
    again = Releases(releases.store, 4 * 1024**2).newest_push()
    assert again is not None
    assert result.push is not None
    assert again.hash == result.push.hash == result.release.hash


def test_taking_back_restores_what_was_before(releases: Releases) -> None:
    first = releases.publish("a", service("one.test"), "who", "one")
    second = releases.publish("a", service("two.test"), "who", "two")
    back = releases.take_back(second, "who", "rollback: no")
    assert back.release.number == 3
    assert back.release.table == first.release.table
    assert back.release.hash == first.release.hash


def test_taking_back_the_first_release_leaves_nothing_to_push(releases: Releases) -> None:
    first = releases.publish("a", service("one.test"), "who", "one")
    back = releases.take_back(first, "who", "rollback: no")
    assert (back.release.void, back.release.hash, back.push) == (True, ZERO_HASH, None)
    assert releases.newest_push() is None
    with pytest.raises(DocumentError, match="release 2 has no configuration"):
        releases.rollback(2, "who", "message")
    again = releases.publish("a", service("one.test"), "who", "again")
    assert not again.unchanged
    assert releases.take_back(again, "who", "rollback").release.void


def test_taking_back_leaves_what_others_published_since(releases: Releases) -> None:
    first = releases.publish("a", service("one.test"), "who", "one")
    releases.publish("b", {"services": {"t": {"host": "t.test"}}}, "who", "two")
    back = releases.take_back(first, "who", "rollback").release
    assert [row["name"] for row in back.table["services"]] == ["t"]
    assert releases.store.newest() == back


def test_an_owner_without_entities_cannot_be_withdrawn(releases: Releases) -> None:
    with pytest.raises(NotFound, match='owner "a" has no entities'):
        releases.withdraw("a", "who", "message")
    assert releases.store.newest() is None


def test_what_was_there_keeps_its_times(releases: Releases) -> None:
    first = releases.publish("a", service("one.test"), "who", "one")
    document = service("one.test")
    document["services"]["t"] = {"host": "t.test"}
    second = releases.publish("a", document, "who", "two")
    kept = first.release.table["services"][0]
    assert kept in second.release.table["services"]
