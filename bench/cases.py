# SPDX-License-Identifier: Apache-2.0
"""What is measured: cases, and how long and how often each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from time import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

GATEWAY, FLOOR, PROTOTYPE = "gateway", "floor", "prototype"
PROXY_FLOOR = "proxy floor"
FASTAPI, MQ_BRIDGE = "fastapi + aiokafka", "mq-bridge"
LIBRDKAFKA = "librdkafka alone"

PRODUCE, GUARDED = "produce, 256 connections", "produce with policies, 256 connections"
TOKEN = "produce with jwt, 256 connections"
OPENID = "produce with openid-connect, 256 connections"
KEYED = "produce with key-auth, 256 connections"
METERED = "produce with key-auth and prometheus, 256 connections"
FILED = "produce with file-log, 256 connections"
POSTED = "produce with http-log, 256 connections"
TRACED = "produce with opentelemetry, 256 connections"
NO_ROUTE, NO_ROUTE_EDGE = "404, 64 connections", "404 edge, 64 connections"
PRODUCE_EDGE = "produce edge, 256 connections"
PRODUCE_512 = "produce, 512 connections"
ONE = "produce, 1 connections"
PROXY, PROXY_EDGE = "proxied, 64 connections", "proxied edge, 64 connections"
AT_5000, AT_10000 = "produce at 5,000/s", "produce at 10,000/s"
SWAP, NO_SWAP = "swap of 1,000 routes under load", "the same without a swap"

API_KEY = "a key of the benchmark"
TOKEN_ISSUER = "bench"

EDGE = (
    "accept: application/json\r\naccept-encoding: gzip\r\nuser-agent: okhttp/4.12.0\r\n"
    "x-forwarded-for: 203.0.113.17\r\nx-forwarded-proto: https\r\nx-forwarded-port: 443\r\n"
    "x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678\r\n"
    f"authorization: Bearer {'t' * 300}\r\n"
)
"""What load balancers, agents and callers add to a request: the cases ``edge`` have it."""


@cache
def _signing_key() -> ECKey:
    return ECKey.generate_key("P-256")


def public_key() -> str:
    """Return the PEM of the key that verifies ``bearer_token``."""
    return _signing_key().as_pem(private=False).decode()


def public_jwk() -> dict[str, Any]:
    """Return the same key as an OpenID provider publishes it."""
    return dict(_signing_key().as_dict(private=False))


@cache
def bearer_token() -> str:
    """Return the token that every request with one shows, as one caller does for its life."""
    claims = {"iss": TOKEN_ISSUER, "sub": "bench", "aud": "orders", "exp": int(time()) + 86400}
    return jwt.encode({"alg": "ES256"}, claims, _signing_key())


@dataclass(frozen=True)
class Case:
    """One row of the table: a kind of traffic, sent to some servers in turn.

    ``size`` is the body in bytes (0: GET), ``rate`` requests a second (0: as many as go),
    ``routes`` the number of routes of the gateway asked, ``limit`` the most requests of one run.
    ``headers`` are lines that go with every request.
    Cases with the same ``together`` stand next to each other and take turns, as servers do.
    """

    name: str
    subjects: tuple[str, ...]
    path: str
    status: str
    connections: int
    size: int = 0
    rate: float = 0.0
    routes: int = 10
    limit: int = 10_000_000
    swap: bool = False
    together: str = ""
    quick: bool = False
    headers: str = ""
    refusal: str = ""
    """The status that says "no more now" where more comes than Kafka takes. It is no failure, and
    counts neither as throughput nor for the time of a request."""
    ratios: tuple[str, ...] = ()
    """The servers that ratios need, which are all that a quick run asks; empty: all of them."""

    @property
    def produces(self) -> bool:
        """Whether its records are looked for in the topic afterwards."""
        return self.size > 0


@dataclass(frozen=True)
class Pace:
    """Seconds measured and warmed up per run, and rounds over which the median is taken.

    ``warming``: how often the broker is loaded for two seconds at most before all of it.
    """

    seconds: float
    warm_up: float
    rounds: int
    warming: int = 0


_DISTINCT = 10_000

QUICK = Pace(1.1, 0.4, 3, warming=5)
FULL = Pace(2.0, 0.5, 5, warming=30)

_ALL = (GATEWAY, PROTOTYPE, MQ_BRIDGE, FASTAPI)

_SHOWS_KEY = f"apikey: {API_KEY}\r\n"
_SHOWS_TOKEN = f"authorization: Bearer {bearer_token()}\r\n"
_POLICIES = (
    (GUARDED, "/guarded", _SHOWS_KEY),
    (TOKEN, "/token", _SHOWS_TOKEN),
    (OPENID, "/openid", _SHOWS_TOKEN),
    (KEYED, "/keyed", _SHOWS_KEY),
    (METERED, "/metered", _SHOWS_KEY),
    (FILED, "/filed", ""),
    (POSTED, "/posted", ""),
    (TRACED, "/traced", ""),
)
"""Routes with policies before the record: what each adds to ``PRODUCE`` has a target."""


def all_cases() -> list[Case]:
    """Return every case, those of the quick run marked."""
    no_route = [
        Case(f"404, {c} connections", (GATEWAY, FLOOR), "/none", "404", c, quick=c == 64)
        for c in (1, 64, 256, 512)
    ]
    no_route.append(
        Case(NO_ROUTE_EDGE, (GATEWAY, FLOOR), "/none", "404", 64, quick=True, headers=EDGE)
    )
    no_route.append(Case("404, many paths", (GATEWAY, FLOOR), "/none/{}", "404", 64))
    routes = [
        Case(
            f"{n:,} routes",
            (GATEWAY,),
            "/route/{}",
            "503",
            64,
            routes=n,
            together="routes",
            quick=n != 1000,
        )
        for n in (10, 1000, 10000)
    ]
    proxied = [
        Case(
            f"proxied, {c} connections",
            (GATEWAY, PROXY_FLOOR),
            "/echo",
            "200",
            c,
            quick=c == 64,
        )
        for c in (1, 64, 256)
    ]
    proxied.append(Case(PROXY_EDGE, (GATEWAY, PROXY_FLOOR), "/echo", "200", 64, headers=EDGE))
    sync = [
        Case(
            ONE,
            (*_ALL, LIBRDKAFKA),
            "/sync",
            "200",
            1,
            256,
            quick=True,
            ratios=(GATEWAY, LIBRDKAFKA),
        ),
        Case("produce, 64 connections", _ALL, "/sync", "200", 64, 256),
        Case(PRODUCE, _ALL, "/sync", "200", 256, 256, quick=True, together=PRODUCE),
        *(
            Case(
                name,
                (GATEWAY,),
                path,
                "200",
                256,
                256,
                quick=True,
                together=PRODUCE,
                headers=headers,
            )
            for name, path, headers in _POLICIES
        ),
        Case(
            PRODUCE_EDGE,
            _ALL,
            "/sync",
            "200",
            256,
            256,
            quick=True,
            headers=EDGE,
            ratios=(GATEWAY, PROTOTYPE, MQ_BRIDGE),
        ),
        Case(
            PRODUCE_512,
            _ALL,
            "/sync",
            "200",
            512,
            256,
            quick=True,
            ratios=(GATEWAY, PROTOTYPE),
        ),
    ]
    bodies = [
        Case("produce, 1 KiB", _ALL, "/sync", "200", 256, 1024),
        Case("produce, 64 KiB", _ALL, "/sync", "200", 64, 65536, limit=20_000),
    ]
    rest = [
        Case("produce, async", (GATEWAY,), "/async", "200", 256, 256, refusal="503"),
        Case(AT_5000, _ALL, "/sync", "200", 64, 256, rate=5000.0),
        Case(AT_10000, (GATEWAY, PROTOTYPE, MQ_BRIDGE), "/sync", "200", 64, 256, rate=10_000.0),
        Case("produce at 200/s", (GATEWAY, PROTOTYPE), "/sync", "200", 8, 256, rate=200.0),
        Case("404 at 10,000/s", (GATEWAY, FLOOR), "/none", "404", 64, rate=10_000.0),
        Case(
            SWAP,
            (GATEWAY,),
            "/route/{}",
            "503",
            64,
            rate=5000.0,
            routes=1000,
            swap=True,
            together="swap",
        ),
        Case(
            NO_SWAP,
            (GATEWAY,),
            "/route/{}",
            "503",
            64,
            rate=5000.0,
            routes=1000,
            together="swap",
        ),
    ]
    return [*no_route, *routes, *proxied, *sync, *bodies, *rest]


def quick_cases() -> list[Case]:
    """Return the cases of the quick run, each with the servers that its ratios need."""
    return [
        replace(case, subjects=case.ratios or case.subjects) for case in all_cases() if case.quick
    ]


def paths_of(case: Case) -> list[str]:
    """Return the paths that the generator cycles through.

    Where the number of routes is the question there are as many different paths for few routes as
    for many: otherwise few routes would also mean few paths for the router to remember, and what is
    compared would be memories.
    """
    if "{}" not in case.path:
        return [case.path]
    # Steps that are prime to the number of routes, so that neighbours are never asked in a row.
    return [
        f"{case.path.format(number * 7919 % case.routes)}/{number}" for number in range(_DISTINCT)
    ]
