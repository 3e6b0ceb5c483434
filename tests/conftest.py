# SPDX-License-Identifier: Apache-2.0
"""What all tests share: one broker and one PostgreSQL for the run, started when first asked for."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import uvloop
from hypothesis import HealthCheck, settings

from tests.support.broker import Broker, running_broker
from tests.support.postgres import Postgres, running_postgres
from tests.support.storage import Storage

pytest_plugins = ["tests.support.crashes"]

# A gate says the same of the same tree, however busy its machine is: no example has a deadline, and
# each property has the same ones in every run. Others: ``make properties``.
_ANY_MACHINE = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("same", _ANY_MACHINE, derandomize=True)
settings.register_profile("random", _ANY_MACHINE)
settings.load_profile("same")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give the shared broker. Make topics of your own on it; never stop it."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as shared:
        yield shared


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give the shared PostgreSQL. Make databases of your own on it; never stop it."""
    with running_postgres() as shared:
        yield shared


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Give each kind of database in turn, empty."""
    if request.param == "sqlite":
        found = Storage(tmp_path)
        yield found
        found.close()
    else:
        with Storage.on(request.getfixturevalue("postgres"), tmp_path) as found:
            yield found


@pytest.fixture
def each_storage(storage: Storage) -> Iterator[None]:
    """Have the control planes of a test keep their releases in each kind of database in turn."""
    with storage.chosen():
        yield


@pytest.fixture(autouse=True)
def _no_database_left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the databases that a test leaves open: from Python 3.13 on, sqlite3 warns of each.

    What is still used opens its own again.
    """
    engines: list[sqlalchemy.Engine] = []
    create = sqlalchemy.create_engine

    def noted(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
        engines.append(create(*arguments, **options))
        return engines[-1]

    monkeypatch.setattr(sqlalchemy, "create_engine", noted)
    yield
    for engine in engines:
        engine.dispose()


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Take back what a process that a test ran in this one has done to the logs.

    Its handler writes to a stream that is closed by then: the next test would see the error.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


_LONGEST_ASYNC_TEST = 300.0
"""Seconds, where a test has no mark ``timeout``; each wait in it has a shorter deadline."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test on uvloop, the loop that serves requests."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}
    mark = pyfuncitem.get_closest_marker("timeout")
    longest = _LONGEST_ASYNC_TEST if mark is None else mark.args[0]
    uvloop.run(asyncio.wait_for(test(**arguments), longest))
    return True
