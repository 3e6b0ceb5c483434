# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.control_plane.retention import Retention
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.errors import NotFound
from tests.support.storage import Storage


def draft(text: str) -> NextRelease:
    return NextRelease("a" * 32, "someone", text, {"consumers": [{"id": "0", "username": text}]})


def counting(previous: Release | None) -> NextRelease:
    return draft(str(1 if previous is None else previous.number + 1))


def kept(store: Store) -> list[int]:
    return [info.number for info in reversed(store.list(1000))]


def test_old_releases_are_removed_and_the_rest_can_still_be_read(storage: Storage) -> None:
    store = storage.store(retention=Retention(count=5))
    for _ in range(3):
        store.append(counting)
    store.append(lambda _: replace(draft("2"), target=2))
    for number in range(5, 13):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [8, 9, 10, 11, 12]
    store.append(lambda _: replace(draft("9"), target=9))
    for number in range(14, 19):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [14, 15, 16, 17, 18], "nobody names 9 any more"
    store.append(lambda _: replace(draft("15"), target=15))
    for number in range(20, 24):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [15, 19, 20, 21, 22, 23], "a rollback went back to 15"
    for again in (store, storage.store()):
        for number in kept(store):
            text = "15" if number == 19 else str(number)
            assert again.get(number).table == {"consumers": [{"id": "0", "username": text}]}
        with pytest.raises(NotFound):
            again.get(14)


def test_releases_that_are_too_old_are_removed_but_for_the_newest_ten(storage: Storage) -> None:
    store = storage.store(retention=Retention(age=3600.0))
    for _ in range(15):
        store.append(counting)
    storage.execute("UPDATE releases SET created_at = 0")
    again = storage.store(retention=Retention(age=3600.0))
    again.append(counting)
    assert kept(again) == list(range(7, 17))
    assert again.get(7).message == "7"


def test_what_another_control_plane_went_back_to_is_kept_too(storage: Storage) -> None:
    retention = Retention(count=5)
    ours, others = storage.store(retention=retention), storage.store(retention=retention)
    for _ in range(8):
        ours.append(counting)
    others.append(lambda _: replace(draft("7"), target=7))
    for _ in range(4):
        ours.append(counting)
    assert kept(ours) == [7, 9, 10, 11, 12, 13]
    assert ours.get(7).table == draft("7").table


def test_what_was_gone_back_to_before_a_start_is_kept_too(storage: Storage) -> None:
    """Also where nothing was removed yet when the control plane started."""
    retention = Retention(count=5)
    before = storage.store(retention=retention)
    for _ in range(2):
        before.append(counting)
    before.append(lambda _: replace(draft("1"), target=1))
    started = storage.store(retention=retention)
    for _ in range(4):
        started.append(counting)
    assert kept(started) == [1, 3, 4, 5, 6, 7]
    assert started.get(1).table == draft("1").table


def test_what_another_control_plane_went_back_to_early_is_kept_too(storage: Storage) -> None:
    """Also where we wrote the next release before any had to be removed."""
    retention = Retention(count=5)
    ours, others = storage.store(retention=retention), storage.store(retention=retention)
    ours.append(counting)
    ours.append(counting)
    others.append(lambda _: replace(draft("1"), target=1))
    for _ in range(4):
        ours.append(counting)
    assert kept(ours) == [1, 3, 4, 5, 6, 7]


def test_a_rollback_that_was_not_written_keeps_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storage.store(retention=Retention(count=5))
    for _ in range(8):
        store.append(counting)
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr(store.database, "conclude", _fail)
        store.append(lambda _: replace(draft("7"), target=7))
    for _ in range(5):
        store.append(counting)
    assert kept(store) == [9, 10, 11, 12, 13]


def _fail(*_: object) -> None:
    raise KeyError("gone")
