# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sqlite3
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.control_plane.database.choice import FILE
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.keyring import BESIDE, Keyring
from gateway.control_plane.store import NextRelease, Store
from gateway.errors import SettingsError, StoreError
from tests.support.control_plane import running
from tests.support.documents import story

OLD, NEW = "old-" * 10, "new-" * 10
PLANTED = "planted-credential-51c7"


def opened(path: Path, *keys: str) -> Store:
    store = Store(SqliteDatabase(path), keyring=Keyring(keys))
    store.open()
    return store


def publish(store: Store, text: str) -> None:
    table = {"keyauth_credentials": [{"id": "1", "key": text}]}
    store.append(lambda _: NextRelease("a" * 32, "someone", "a release", table))


def read(store: Store, number: int) -> str:
    return str(store.get(number).table["keyauth_credentials"][0]["key"])


def test_a_credential_is_in_the_database_only_sealed(tmp_path: Path) -> None:
    path = tmp_path / "sealed.sqlite"
    store = opened(path, NEW)
    publish(store, PLANTED * 100)
    store.close()
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT undo FROM releases").fetchall()
        kept += connection.execute("SELECT row FROM entities").fetchall()
    connection.close()
    assert len(kept) == 2
    assert all(content.startswith(b"KGS1") for (content,) in kept)
    with pytest.raises(StoreError, match="a key that is not in KONG_KEYRING_FILE"):
        opened(path).newest()
    again = opened(path, NEW)
    assert read(again, 1) == PLANTED * 100


def test_what_was_written_without_a_keyring_or_with_an_earlier_key_stays_readable(
    tmp_path: Path,
) -> None:
    path = tmp_path / "grown.sqlite"
    for keys in ((), (OLD,), (NEW, OLD)):
        publish(opened(path, *keys), f"{len(keys)} keys")
    store = opened(path, NEW, OLD)
    assert [read(store, number) for number in (1, 2, 3)] == ["0 keys", "1 keys", "2 keys"]
    # What was written since needs the new key alone, what is older does not open with that.
    assert read(opened(path, NEW), 3) == "2 keys"
    with pytest.raises(StoreError, match="release 2 in the database is encrypted"):
        opened(path, NEW).get(1)


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


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KONG_KEYRING_FILE: cannot read"):
        Keyring.from_file(str(tmp_path / "none"))


async def test_a_control_plane_seals_what_it_publishes_and_will_not_start_without_the_key(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keyring"
    file.write_text(NEW)
    prefix = tmp_path / "prefix"

    async with running(prefix, keyring_file=str(file)) as place:
        assert (await place.publish(story())).status == 201
    async with running(prefix, keyring_file=str(file)) as place:
        assert (await place.ask("GET", "/releases/1")).status == 200
    assert b"httpbin.org" not in unpacked((prefix / FILE).read_bytes())
    with pytest.raises(StoreError, match="a key that is not in KONG_KEYRING_FILE"):
        async with running(prefix):
            raise AssertionError("it started")


def unpacked(content: bytes) -> bytes:
    """Return ``content`` with every gzip stream in it unpacked behind it."""
    found = [content]
    for place in range(len(content)):
        if content.startswith(b"\x1f\x8b\x08", place):
            with suppress(zlib.error):
                found.append(zlib.decompressobj(31).decompress(content[place:]))
    return b"".join(found)


async def test_without_the_setting_the_first_start_makes_a_keyring_beside_the_database(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        assert (await place.publish(story())).status == 201
    file = tmp_path / BESIDE
    made = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(made.strip()) >= 32
    assert b"httpbin.org" not in unpacked((tmp_path / FILE).read_bytes())
    async with running(tmp_path) as place:
        assert (await place.ask("GET", "/releases/1")).status == 200
    assert file.read_text() == made
    file.unlink()
    with pytest.raises(StoreError, match=BESIDE):
        async with running(tmp_path):
            raise AssertionError("it started")


async def test_a_database_from_before_is_taken_over_and_nothing_of_it_stays_in_clear(
    tmp_path: Path,
) -> None:
    store = opened(tmp_path / FILE)
    for number in range(3):
        publish(store, f"{PLANTED}-{number}" * 500)
    store.close()
    assert PLANTED.encode() in unpacked((tmp_path / FILE).read_bytes())

    async with running(tmp_path) as place:
        for number in (1, 2, 3):
            assert (await place.ask("GET", f"/releases/{number}")).status == 200
        assert PLANTED.encode() not in everything(tmp_path)
    assert PLANTED.encode() not in everything(tmp_path)


def everything(folder: Path) -> bytes:
    """Return what the database's files hold."""
    return b"".join(unpacked(file.read_bytes()) for file in folder.glob(f"{FILE}*"))


def test_processes_that_start_at_once_have_one_keyring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: Keyring.beside_database(tmp_path), range(8)))
    sealed = rings[0].seal(b"content", 1)
    assert all(ring.open(sealed, 1) == b"content" for ring in rings)
    assert [path.name for path in tmp_path.iterdir()] == [BESIDE]


def test_what_is_derived_depends_on_the_first_key_and_the_purpose_alone() -> None:
    first, second = "a" * 40, "b" * 40
    derived = Keyring([first]).derived("page session")
    assert len(derived) == 32
    assert derived == Keyring([first, second]).derived("page session")
    assert derived != Keyring([second, first]).derived("page session")
    assert derived != Keyring([first]).derived("another")
    assert Keyring().derived("page session") != Keyring().derived("page session")
