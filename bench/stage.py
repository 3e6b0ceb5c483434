# SPDX-License-Identifier: Apache-2.0
"""Everything that runs during a benchmark: broker, servers, and one generator at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.cases import (
    FASTAPI,
    FLOOR,
    GATEWAY,
    MQ_BRIDGE,
    PROTOTYPE,
    PROXY_FLOOR,
    Case,
    Pace,
    paths_of,
)
from bench.gateway import Gateway, publications
from bench.generator import Order, Yield
from bench.processes import Cores, ServerProcess, low_ports, resident_bytes
from bench.topic import TopicReader, Verdict
from tests.support.broker import Broker

_MODULES = {
    FLOOR: "floor",
    PROXY_FLOOR: "proxy_floor",
    PROTOTYPE: "prototype",
    FASTAPI: "fastapi_aiokafka",
    MQ_BRIDGE: "mq_bridge_route",
}
_SWAP_EVERY = 1.0
_PARTITIONS = 6
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Measured:
    """One run of one case against one server; CPU in microseconds per answered request."""

    per_second: float
    cpu: float
    percentiles: dict[str, float]
    statuses: dict[str, int]
    broken: int
    verdict: Verdict | None
    resident: int
    swaps: int = 0


def is_steady(reached: Sequence[float]) -> bool:
    """Tell whether the last two of these throughputs are hardly above what was reached before."""
    if len(reached) < 4:
        return False
    return max(reached[-2:]) < 1.03 * max(reached[:-2])


class Stage:
    """The servers that the cases need, started once, all idle but the one that is asked."""

    def __init__(
        self, folder: Path, broker: Broker, stack: ExitStack, cases: Sequence[Case], cores: Cores
    ) -> None:
        self.cores = cores
        self._folder = folder
        named = {GATEWAY, PROTOTYPE, *(name for case in cases for name in case.subjects)}
        self._topics = {name: broker.topic(_PARTITIONS) for name in sorted(named)}
        self._client = broker.client(broker.writer)
        self._readers = {
            name: TopicReader(broker.client(), topic) for name, topic in self._topics.items()
        }
        self._servers: dict[str, ServerProcess] = {}
        self._gateways: dict[int, Gateway] = {}
        self._start(stack, sorted({case.routes for case in cases}))

    def _start(self, stack: ExitStack, routes: list[int]) -> None:
        ports = low_ports(len(_MODULES) + 1 + len(routes))
        upstream = ports.pop()
        for reader in self._readers.values():
            stack.callback(reader.close)
        published = {"BENCH_PUBLISHED": json.dumps(publications(upstream))}
        self._module(stack, "upstream", "upstream", upstream, self.cores.others, published)
        beside = {"BENCH_UPSTREAM": str(upstream)}
        for name in self._topics.keys() & _MODULES.keys():
            self._module(stack, name, _MODULES[name], ports.pop(), self.cores.server, beside)
        for number in routes:
            gateway = Gateway(
                self._folder / f"gateway-{number}",
                ports.pop(),
                number,
                upstream,
                self._client,
                self._topics[GATEWAY],
                self.cores.server,
            )
            stack.callback(gateway.process.stop)
            self._gateways[number] = gateway
            self._servers[f"{GATEWAY} {number}"] = gateway.process
        for server in self._servers.values():
            server.wait_until_ready()

    def _module(
        self,
        stack: ExitStack,
        name: str,
        module: str,
        port: int,
        cores: list[int],
        environment: Mapping[str, str] = _NOTHING,
    ) -> None:
        server = self._servers[name] = ServerProcess(
            name,
            [sys.executable, "-m", f"bench.subjects.{module}", "--port", str(port)],
            port,
            {"BENCH_KAFKA": self._kafka(name), **environment},
            self._folder / f"{name}.log",
            cores,
        )
        stack.callback(server.stop)

    def _kafka(self, name: str) -> str:
        return json.dumps({"client": self._client, "topic": self._topics.get(name, "")})

    def gateway(self, case: Case) -> Gateway:
        """Return the gateway that a case asks."""
        return self._gateways[case.routes]

    def warm_up(self, most: int) -> None:
        """Let the broker compile what it runs often; nothing of this is kept.

        Until its throughput has stopped to rise, but no more than ``most`` times two seconds: a
        broker that is half compiled favours whoever waits least for it.
        """
        case = Case("warm-up", (), "/sync", "200", connections=64, size=256)
        reached: list[float] = []
        for _ in range(most):
            measured = self.measure(case, PROTOTYPE, Pace(seconds=2.0, warm_up=0.0, rounds=1))
            reached.append(measured.per_second)
            print(f"{'warm-up of the broker':36} {PROTOTYPE:20} {reached[-1]:18,.0f}/s", flush=True)
            if is_steady(reached):
                break

    def measure(self, case: Case, subject: str, pace: Pace) -> Measured:
        """Run one case against one server, then look for its records."""
        server = self._servers.get(f"{GATEWAY} {case.routes}" if subject == GATEWAY else subject)
        prefix = f"b{uuid.uuid4().hex[:8]}"
        outcomes = self._folder / "outcomes"
        order = Order(
            port=0 if server is None else server.port,
            connections=case.connections,
            seconds=pace.seconds,
            warm_up=pace.warm_up,
            paths=paths_of(case),
            size=case.size,
            prefix=prefix,
            rate=case.rate,
            outcomes=str(outcomes) if case.produces else "",
            limit=case.limit,
            cores=self.cores.server if server is None else self.cores.others[:1],
            headers=case.headers,
        )
        with _swapping(self.gateway(case) if case.swap else None) as swaps:
            result, cpu = _generate(order, server, self._kafka(subject))
        verdict = None
        if case.produces:
            verdict = self._readers[subject].verify(prefix, outcomes.read_bytes())
        answered = result.answered - result.statuses.get(case.refusal, 0)
        return Measured(
            answered / result.seconds,
            cpu / max(answered, 1) * 1e6,
            result.percentiles,
            result.statuses,
            result.broken,
            verdict,
            0 if server is None else resident_bytes(server.pid),
            len(swaps),
        )


def _generate(order: Order, server: ServerProcess | None, kafka: str) -> tuple[Yield, float]:
    """Run the generator; return what it saw, and the server's CPU seconds meanwhile.

    Without a server, librdkafka alone is measured, and its CPU time is not.
    """
    module = "bench.direct" if server is None else "bench.generator"
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BENCH_KAFKA": kafka},
    ) as generator:
        assert generator.stdin is not None
        assert generator.stdout is not None
        json.dump(asdict(order), generator.stdin)
        generator.stdin.close()
        marks: dict[str, float] = {}
        for line in generator.stdout:
            if line.startswith("{"):
                return Yield(**json.loads(line)), marks["end"] - marks["begin"]
            marks[line.strip()] = 0.0 if server is None else server.cpu_seconds()
    raise RuntimeError("the generator failed")


@contextmanager
def _swapping(gateway: Gateway | None) -> Iterator[list[int]]:
    """Give a gateway a new configuration every second while the block runs."""
    swaps: list[int] = []
    stop = threading.Event()

    def loop(target: Gateway) -> None:
        while not stop.wait(_SWAP_EVERY):
            target.swap()
            swaps.append(1)

    thread = threading.Thread(target=loop, args=(gateway,), daemon=True)
    if gateway is not None:
        thread.start()
    try:
        yield swaps
    finally:
        stop.set()
        if gateway is not None:
            thread.join()


class UnencryptedBroker(Broker):
    """The tests' broker with passwords and access rules, but no TLS.

    With TLS the broker, not what is measured, becomes the slowest part of a small machine.
    """

    def client(self, user: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return librdkafka settings to connect as a user."""
        return {**super().client(user), "security.protocol": "SASL_PLAINTEXT"}


@contextmanager
def stage(folder: Path, cases: Sequence[Case], *, tls: bool) -> Iterator[Stage]:
    """Start broker and servers in a folder; all gone at the end."""
    # Whatever is not told otherwise stays off the core of the server under test; and the broker,
    # which elsewhere is told to start fast, may here compile itself to its full speed.
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.others)
    os.environ["_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=4 -Xmx1g"
    plain = (("listener.security.protocol.map", "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_SSL"),)
    place = folder / "broker"
    broker = Broker(place) if tls else UnencryptedBroker(place, extra=plain)
    with ExitStack() as stack:
        stack.callback(broker.close)
        broker.start()
        yield Stage(folder, broker, stack, cases, cores)


def summary(measured: Measured) -> dict[str, Any]:
    """Return a measurement as JSON data."""
    return {
        **asdict(measured),
        "per_second": round(measured.per_second),
        "cpu": round(measured.cpu, 2),
    }
