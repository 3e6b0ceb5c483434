# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway top``: what a data plane does right now, by route and topic, as it goes on."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from gateway.commands.admin_client import Authority, TokenFile, admin_api
from gateway.commands.failures import in_words
from gateway.commands.local_processes import STATE, local_processes
from gateway.errors import CommandFailed, EndpointUnreachable, GatewayError

if TYPE_CHECKING:
    from gateway.commands.traffic_table import Moment
    from gateway.http.json_api import JsonApi

DEFAULT_URL = "http://127.0.0.1:8100"


class Sort(StrEnum):
    """The column that rows are sorted by, the largest first; names the other way."""

    REQUESTS = "requests"
    FAILURES = "failures"
    P99 = "p99"
    NAME = "name"


@in_words
def command(
    url: Annotated[
        str | None,
        typer.Option(
            envvar="KAFKA_GATEWAY_STATUS_URL",
            help="Address of a data plane's status API; else that of the stack `local`.",
        ),
    ] = None,
    token_file: TokenFile = None,
    ca: Authority = None,
    interval: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds between looks.")] = 1.0,
    sort: Annotated[Sort, typer.Option(help="What the rows are sorted by.")] = Sort.REQUESTS,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
) -> None:
    """Show requests, records, failures and latencies of a data plane, live.

    On a terminal: q ends it, s sorts by the next column. Elsewhere the table is printed anew.
    A data plane that is gone is waited for, but with --once.
    """
    looks = _looks(admin_api(url or _of_the_stack(), token_file, ca), interval)
    try:
        if once:
            print(_text(next(_seen(looks)), sort, json))
        elif json or not sys.stdout.isatty():
            for moment in looks:
                print(_line(moment, sort, json), flush=True)
        else:
            _live(looks, sort, interval)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _of_the_stack() -> str:
    """Return the status API of the local stack's data plane, or the port that Kong has."""
    for one in local_processes(STATE):
        if "status" in one.ports:
            return f"http://127.0.0.1:{one.ports['status']}"
    return DEFAULT_URL


def _looks(api: JsonApi, interval: float) -> Iterator[Moment | GatewayError]:
    """Yield what there was in each interval, or why nothing was to be seen; for ever."""
    # Late: docs/decisions/imports-inside-functions.md
    import msgspec

    from gateway.commands.traffic_table import moment
    from gateway.data_plane.master.traffic_reports import CountedTraffic, between

    before: CountedTraffic | None = None
    while True:
        try:
            response = api.request("GET", "/traffic", timeout=5.0)
            if response.status != 200:
                raise CommandFailed(f"{api.url}/traffic: {response.message}")
            now = msgspec.convert(response.body, CountedTraffic)
        except (EndpointUnreachable, CommandFailed) as problem:
            before = None
            yield problem
        except msgspec.ValidationError as problem:
            raise CommandFailed(f"{api.url} is no status API of a gateway: {problem}") from None
        else:
            if before is not None:
                yield moment(between(before, now), now)
            before = now
        time.sleep(interval)


def _seen(looks: Iterator[Moment | GatewayError]) -> Iterator[Moment]:
    """Yield the moments; raises why there is none."""
    for found in looks:
        if isinstance(found, GatewayError):
            raise found
        yield found


def _text(found: Moment, sort: Sort, json: bool) -> str:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.commands.traffic_table import as_json, plain

    return orjson.dumps(as_json(found, sort)).decode() if json else plain(found, sort)


def _line(found: Moment | GatewayError, sort: Sort, json: bool) -> str:
    if not isinstance(found, GatewayError):
        return _text(found, sort, json)
    return orjson.dumps({"problem": str(found)}).decode() if json else f"{found}; tries again"


def _live(looks: Iterator[Moment | GatewayError], sort: Sort, interval: float) -> None:
    """Draw each look over the one before, until ``q``."""
    # Late: docs/decisions/imports-inside-functions.md
    from rich.live import Live
    from rich.text import Text

    from gateway.commands.traffic_table import drawn

    shown: Moment | None = None
    with _keys() as pressed, Live(screen=True, auto_refresh=False) as screen:
        for found in looks:
            for key in pressed():
                if key == "q":
                    return
                if key == "s":
                    order = list(Sort)
                    sort = order[(order.index(sort) + 1) % len(order)]
            if isinstance(found, GatewayError):
                note = Text(f"{found}; tries again every {interval:g} s", style="red")
            else:
                shown, note = found, Text("")
            screen.update(drawn(shown, sort, note), refresh=True)


@contextmanager
def _keys() -> Iterator[_Pressed]:
    """Read keys as they are pressed, where standard input is a terminal."""
    # Late: docs/decisions/imports-inside-functions.md
    import termios
    import tty

    if not sys.stdin.isatty():
        yield _Pressed(False)
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield _Pressed(True)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class _Pressed:
    """Returns the keys that were pressed since it was called before."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def __call__(self) -> str:
        found = ""
        while self._terminal and select.select([sys.stdin], [], [], 0)[0]:
            key = sys.stdin.read(1)
            if not key:
                break
            found += key
        return found
