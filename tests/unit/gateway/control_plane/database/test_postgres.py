# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.control_plane.database import postgres_address
from gateway.control_plane.database.postgres import CHANNEL, PostgresDatabase
from gateway.control_plane.database.postgres_address import PostgresAddress
from gateway.control_plane.retention import Retention
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.errors import StoreError
from tests.support.authority import Authority
from tests.support.ports import free_ports
from tests.support.postgres import Postgres, running_postgres
from tests.support.round_trips import counted
from tests.support.waiting import PATIENCE, eventually


def counting(previous: Release | None) -> NextRelease:
    text = str(1 if previous is None else int(previous.message) + 1)
    return NextRelease("a" * 32, "someone", text, {"consumers": [{"id": "0", "username": text}]})


@pytest.fixture
def name(postgres: Postgres) -> Iterator[str]:
    name = postgres.database()
    yield name
    postgres.drop(name)


def appended(store: Store) -> bool:
    try:
        return store.append(counting) is not None
    except StoreError as error:
        assert error.status == 503, error
        return False


def test_each_schema_is_a_cluster_of_its_own(postgres: Postgres, name: str) -> None:
    stores = [Store(postgres.opened(name, schema=schema)) for schema in (None, "a", 'odd "name')]
    for store in stores:
        store.open()
    for store in stores[1:]:
        assert store.newest() is None
        store.append(counting)
    assert stores[0].newest() is None
    with stores[0].database.writing():
        assert stores[1].append(counting), "the writers of one schema do not wait for another's"
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        ("failed to connect to database", {"port": None}),
        (r'FATAL: +(role|database) "no" does not exist', {"database": "no"}),
        (r'FATAL: +(role|database) "no" does not exist', {"user": "no"}),
    ],
)
def test_what_keeps_it_from_connecting_is_said(
    postgres: Postgres, sentence: str, change: dict[str, str | None]
) -> None:
    address = postgres.address("postgres")
    found = {**vars(address), **change, "password": "planted-secret"}
    if found["port"] is None:
        (found["port"],) = free_ports(1)
    store = Store(PostgresDatabase(type(address)(**found)))
    with pytest.raises(StoreError, match=sentence) as caught:
        store.open()
    assert caught.value.status == 503
    assert "planted-secret" not in str(caught.value)


def test_a_user_that_may_not_create_is_told_so(postgres: Postgres, name: str) -> None:
    with postgres.connect(name) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
    address = PostgresAddress("127.0.0.1", postgres.port, "guest", name)
    store = Store(PostgresDatabase(address))
    with pytest.raises(StoreError, match=r"permission denied.*grant it to user guest"):
        store.open()
    store.close()


def test_a_restarted_server_costs_at_most_a_refused_write() -> None:
    with running_postgres() as own:
        store = Store(own.opened("postgres"))
        store.open()
        store.append(counting)
        own.stop()
        with pytest.raises(StoreError, match="failed to connect to database") as caught:
            store.append(counting)
        assert caught.value.status == 503
        own.start()
        assert eventually(lambda: appended(store))
        newest = store.newest()
        assert newest is not None
        assert newest.number == 2
        store.close()


def test_a_server_that_was_restarted_between_two_writes_costs_none() -> None:
    with running_postgres() as own:
        store = Store(own.opened("postgres"))
        store.open()
        for _ in range(3):
            assert appended(store)
            own.restart()
        store.close()


def test_a_write_takes_three_round_trips(postgres: Postgres, name: str) -> None:
    with counted(postgres.port) as (port, turns):
        address = replace(postgres.address(name), port=port)
        store = Store(PostgresDatabase(address), retention=Retention(count=20))
        store.open()
        for _ in range(30):
            store.append(counting)
        before = turns()
        for _ in range(10):
            store.append(counting)
        # The lock; what is the newest; what becomes of it.
        assert turns() - before == 30
        store.close()


def test_a_server_that_hangs_blocks_nobody_for_long() -> None:
    with running_postgres() as own:
        store = Store(own.opened("postgres", timeout=1.0))
        store.open()
        store.append(counting)
        own.pause()
        try:
            for _ in range(3):
                started = time.monotonic()
                with pytest.raises(StoreError, match="failed to connect to database") as caught:
                    store.append(counting)
                assert caught.value.status == 503
                assert time.monotonic() - started < 20
        finally:
            own.resume()
        assert eventually(lambda: appended(store))
        store.close()


def test_one_that_hangs_while_it_writes_is_ended_by_the_server(
    postgres: Postgres, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(postgres.opened(name))
    store.open()
    monkeypatch.setattr(postgres_address, "_IDLE", 4)
    hanging = Store(postgres.opened(name))
    waiting = Store(postgres.opened(name, lock_timeout=0.1))

    def hang(previous: Release | None) -> NextRelease:
        with pytest.raises(StoreError, match="is locked by another control plane"):
            waiting.append(counting)
        assert eventually(lambda: appended(waiting))
        return counting(previous)

    with pytest.raises(StoreError, match="failed to connect to database") as caught:
        hanging.append(hang)
    assert caught.value.status == 503
    assert [info.number for info in store.list(9)] == [1], "what the other wrote, and nothing else"
    for one in (store, hanging, waiting):
        one.close()


def test_what_is_written_is_announced_when_it_is_committed(postgres: Postgres, name: str) -> None:
    store = Store(postgres.opened(name, schema="mine"))
    store.open()
    with closing(postgres.connect(name)) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        with store.database.writing() as connection:
            store.database.announce(connection, "release")
            assert list(listening.notifies(timeout=0.1)) == []
        (news,) = listening.notifies(timeout=PATIENCE, stop_after=1)
        schema, _, *what = news.payload.split()
        assert (schema, what) == ("mine", ["release"])
    store.close()


def test_a_server_with_another_certificate_is_not_talked_to(tmp_path: Path) -> None:
    authority, other = Authority(), Authority()
    pair = authority.issue("127.0.0.1", server=True)
    certificate, key = pair.write(tmp_path, "server")
    files = {"ssl_cert_file": certificate.read_text(), "ssl_key_file": key.read_text()}
    with running_postgres(files=files, ssl="on") as own:
        for trusted, works in ((authority, True), (other, False)):
            store = Store(own.opened("postgres", sslmode="verify-full", authorities=(trusted.pem,)))
            if works:
                store.open()
                with store.database.reading() as connection:
                    query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                    assert connection.exec_driver_sql(query).scalar() is True
            else:
                with pytest.raises(StoreError, match=r"SSL error|certificate verify failed"):
                    store.open()
            store.close()


def test_a_user_without_a_schema_is_told_to_name_one(postgres: Postgres, name: str) -> None:
    with postgres.connect(name) as connection:
        connection.execute(f"ALTER DATABASE {name} SET search_path TO nowhere".encode())
    store = Store(postgres.opened(name))
    with pytest.raises(StoreError, match="its user has no schema; set KONG_PG_SCHEMA"):
        store.open()
    store.close()
    named = Store(postgres.opened(name, schema="mine"))
    named.open()
    assert named.append(counting)
    named.close()


def test_when_all_connections_are_in_use_that_is_said(postgres: Postgres, name: str) -> None:
    database = postgres.opened(name, timeout=2.0)
    Store(database).open()
    with ExitStack() as readers:
        for _ in range(6):
            readers.enter_context(database.reading())
        with pytest.raises(StoreError, match="are in use; try again") as caught:
            readers.enter_context(database.reading())
        assert caught.value.status == 503
    database.close()


def test_threads_share_a_few_connections(postgres: Postgres, name: str) -> None:
    store = Store(postgres.opened(name))
    store.open()
    threads = [threading.Thread(target=store.append, args=(counting,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    with postgres.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        ((count,),) = connection.execute(query, (name,)).fetchall()
    assert count <= 6
    newest = store.newest()
    assert newest is not None
    assert newest.number == 12
    store.close()
