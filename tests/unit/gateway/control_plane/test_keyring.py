# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.control_plane.keyring import Keyring
from gateway.control_plane.server import DATABASE
from gateway.control_plane.store import Draft, Store
from gateway.errors import SettingsError, StoreError
from tests.support.control_plane import run, running
from tests.support.documents import story

OLD, NEW = "old-" * 10, "new-" * 10
PLANTED = "planted-credential-51c7"


def opened(path: Path, *keys: str) -> Store:
    store = Store(path, keyring=Keyring(keys))
    store.open()
    return store


def publish(store: Store, text: str) -> None:
    table = {"keyauth_credentials": [{"id": "1", "key": text}]}
    store.append(lambda _: Draft("a" * 32, "someone", text, table))


def read(store: Store, number: int) -> str:
    return str(store.get(number).table["keyauth_credentials"][0]["key"])


def test_a_credential_is_in_the_database_only_sealed(tmp_path: Path) -> None:
    store = opened(tmp_path / "sealed.sqlite", NEW)
    publish(store, PLANTED * 100)
    store.close()
    with sqlite3.connect(store.path) as connection:
        ((snapshot,),) = connection.execute("SELECT snapshot FROM releases").fetchall()
    connection.close()
    assert snapshot.startswith(b"KGS1")
    with pytest.raises(StoreError, match="a key that is not in KONG_KEYRING_FILE"):
        opened(store.path).newest()
    again = opened(store.path, NEW)
    assert read(again, 1) == PLANTED * 100


def test_what_was_written_without_a_keyring_or_with_an_earlier_key_stays_readable(
    tmp_path: Path,
) -> None:
    path = tmp_path / "grown.sqlite"
    for keys in ((), (OLD,), (NEW, OLD)):
        publish(opened(path, *keys), f"{len(keys)} keys")
    store = opened(path, NEW, OLD)
    assert [read(store, number) for number in (1, 2, 3)] == ["0 keys", "1 keys", "2 keys"]
    # The newest one needs the new key alone, the one before it does not open with that.
    assert read(opened(path, NEW), 3) == "2 keys"
    with pytest.raises(StoreError, match="release 2 in the database is encrypted"):
        opened(path, NEW).get(2)


def test_equal_content_is_sealed_differently_and_to_its_place() -> None:
    keyring = Keyring([NEW])
    one, two = keyring.seal(b"content", 1), keyring.seal(b"content", 1)
    assert one != two
    assert keyring.open(one, 1) == keyring.open(two, 1) == b"content"
    with pytest.raises(StoreError, match="release 2 in the database is damaged"):
        keyring.open(one, 2)
    with pytest.raises(StoreError, match="release 1 in the database is damaged"):
        keyring.open(one[:-1] + bytes([one[-1] ^ 1]), 1)


def test_a_file_holds_a_key_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keyring"
    file.write_text(f"{NEW}\n\n{OLD}\n")
    keyring = Keyring.from_file(str(file))
    assert Keyring([OLD]).open(Keyring([OLD]).seal(b"a", 1), 1) == b"a"
    assert keyring.open(Keyring([OLD]).seal(b"a", 1), 1) == b"a"
    assert Keyring([NEW]).open(keyring.seal(b"b", 1), 1) == b"b"
    assert Keyring.from_file(None).seal(b"plain", 1) == b"plain"


@pytest.mark.parametrize("content", ["", "\n", "short", f"{NEW}\nshort"])
def test_a_file_without_a_proper_key_is_refused_without_showing_it(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "keyring"
    file.write_text(content)
    with pytest.raises(SettingsError, match="one key a line") as caught:
        Keyring.from_file(str(file))
    assert "new-" not in str(caught.value)


def test_a_file_that_is_not_there_is_told_by_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KONG_KEYRING_FILE: cannot read"):
        Keyring.from_file(str(tmp_path / "none"))


def test_a_control_plane_seals_what_it_publishes_and_will_not_start_without_the_key(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keyring"
    file.write_text(NEW)
    prefix = tmp_path / "prefix"

    async def main() -> None:
        async with running(tmp_path / "plain") as place:
            assert (await place.publish(story())).status == 201
        async with running(prefix, keyring_file=str(file)) as place:
            assert (await place.publish(story())).status == 201
        async with running(prefix, keyring_file=str(file)) as place:
            assert (await place.ask("GET", "/releases/1")).status == 200
        assert b"httpbin.org" in unpacked((tmp_path / "plain" / DATABASE).read_bytes())
        assert b"httpbin.org" not in unpacked((prefix / DATABASE).read_bytes())
        with pytest.raises(StoreError, match="a key that is not in KONG_KEYRING_FILE"):
            async with running(prefix):
                raise AssertionError("it started")

    run(main)


def unpacked(content: bytes) -> bytes:
    """Return ``content`` with every gzip stream in it unpacked behind it."""
    found = [content]
    for place in range(len(content)):
        if content.startswith(b"\x1f\x8b\x08", place):
            with suppress(zlib.error):
                found.append(zlib.decompressobj(31).decompress(content[place:]))
    return b"".join(found)
