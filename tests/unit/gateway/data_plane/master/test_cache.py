# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.data_plane.master.cache import ConfigCache
from gateway.errors import CacheError
from tests.support.authority import shared_pair

KEY, OTHER = shared_pair().key, shared_pair().key
FRAME = b"a configuration with topic orders" * 100


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prefix" / "config.cache"


def test_what_was_saved_is_loaded(file: Path) -> None:
    ConfigCache(file, KEY).save(FRAME)
    assert ConfigCache(file, KEY).load() == FRAME


def test_without_a_file_there_is_nothing(file: Path) -> None:
    assert ConfigCache(file, KEY).load() is None


def test_nothing_of_the_configuration_can_be_read_from_the_disk(file: Path) -> None:
    ConfigCache(file, KEY).save(FRAME)
    assert b"orders" not in file.read_bytes()


def test_two_saves_of_the_same_look_different(file: Path) -> None:
    cache = ConfigCache(file, KEY)
    cache.save(FRAME)
    first = file.read_bytes()
    cache.save(FRAME)
    assert file.read_bytes() != first


def test_another_key_is_distinguished_from_a_damaged_file(file: Path) -> None:
    ConfigCache(file, KEY).save(FRAME)
    with pytest.raises(CacheError, match="another cluster key"):
        ConfigCache(file, OTHER).load()


def test_every_flipped_byte_and_every_cut_is_noticed(file: Path) -> None:
    cache = ConfigCache(file, KEY)
    cache.save(b"x" * 50)
    whole = file.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        with pytest.raises(CacheError, match="damaged"):
            cache.load()
        file.write_bytes(whole[:position])
        with pytest.raises(CacheError, match="damaged"):
            cache.load()


def test_a_place_that_is_no_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=str(tmp_path)):
        ConfigCache(tmp_path, KEY).load()


def test_a_key_that_is_no_private_key_is_refused(file: Path) -> None:
    with pytest.raises(CacheError, match="PEM private key"):
        ConfigCache(file, "not a key").save(FRAME)
