# SPDX-License-Identifier: Apache-2.0
"""Requests against a gateway: one at a time, or without a pause while something else happens."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.waiting import PATIENCE


@dataclass(frozen=True)
class Reply:
    """One response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    port: int, path: str, headers: Mapping[str, str] | None = None, within: float = PATIENCE
) -> Reply:
    """Send one GET on a connection of its own; ``headers`` go out as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, body)
    finally:
        connection.close()


def succeeds(port: int, path: str) -> bool:
    """Tell whether a GET is answered with 200."""
    try:
        return get(port, path).status == 200
    except OSError:
        return False


@dataclass
class Traffic:
    """What came back while the load ran: counts by status, and the connections that broke."""

    statuses: dict[int, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Number of requests, with or without a response."""
        return sum(self.statuses.values()) + len(self.broken)


@contextmanager
def steady(port: int, path: str) -> Iterator[Traffic]:
    """Send requests one after another, each on a new connection, until the block ends."""
    traffic = Traffic()
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                status = get(port, path).status
                traffic.statuses[status] = traffic.statuses.get(status, 0) + 1
            except (OSError, http.client.HTTPException) as error:
                traffic.broken.append(repr(error))
            stop.wait(0.005)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield traffic
    finally:
        stop.set()
        thread.join(timeout=PATIENCE)
