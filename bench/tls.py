# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.tls [rounds]``: what TLS costs the gateway, beside the nginx on PATH.

CPU time of the server's processes, of which each has one worker on one core: per full handshake and
per resumed one (``openssl s_time``, a request each), and per request over connections that stay,
with TLS and without; the difference of these is what records of TLS cost. Both serve the same
ECDSA P-256 certificate and answer with the same short text. Without nginx (Debian's
``nginx-light``) only the gateway is measured.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.gateway import COMMAND, node_environment
from bench.processes import Cores, ServerProcess, low_ports
from tests.support.authority import Authority

_SECONDS = 3
"""How long ``s_time`` connects anew."""
_CONNECTIONS, _TURNS = 32, 400
_REQUEST = b"GET /fixed HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n"
_CONNECTED = re.compile(r"(\d+) connections in \d+ real seconds")
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    location /fixed {{ default_type text/plain; return 200 "fixed"; }}
  }}
}}
"""


def main(arguments: list[str]) -> int:
    """Measure both in turns and print a line for each; return an exit code."""
    rounds = int(arguments[0]) if arguments else 3
    cores = Cores.of_this_machine()
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = stack.enter_context(_servers(Path(folder), cores.server))
        for _ in range(rounds):
            for one in servers:
                for what, cost in _round(one, cores.others).items():
                    found.setdefault(what, {}).setdefault(one.process.name, []).append(cost)
        names = [one.process.name for one in servers]
    print(f"{'CPU µs of the server':32}" + "".join(f"{name:>12}" for name in names))
    for what, costs in found.items():
        print(f"{what:32}" + "".join(f"{median(one):12.1f}" for one in costs.values()))
    return 0


class Server(NamedTuple):
    """A server with its two ports."""

    process: ServerProcess
    plain: int
    tls: int


@contextmanager
def _servers(folder: Path, cores: list[int]) -> Iterator[list[Server]]:
    certificate, key = Authority().issue("localhost").write(folder, "server")
    plain, tls, other_plain, other_tls = low_ports(4)
    started = [Server(_gateway(folder, certificate, key, cores, plain, tls), plain, tls)]
    if nginx := shutil.which("nginx"):
        configuration = folder / "nginx.conf"
        text = _NGINX.format(
            folder=folder, plain=other_plain, tls=other_tls, certificate=certificate, key=key
        )
        configuration.write_text(text)
        command = [nginx, "-e", str(folder / "nginx.log"), "-c", str(configuration)]
        process = ServerProcess("nginx", command, other_tls, {}, folder / "nginx.out", cores)
        started.append(Server(process, other_plain, other_tls))
    try:
        for one in started:
            one.process.wait_until_ready()
        yield started
    finally:
        for one in started:
            one.process.stop()


def _gateway(
    folder: Path, certificate: Path, key: Path, cores: list[int], plain: int, tls: int
) -> ServerProcess:
    answer = {"status_code": 200, "content_type": "text/plain", "body": "fixed"}
    plugin = {"name": "request-termination", "config": answer}
    route: dict[str, Any] = {"name": "fixed", "paths": ["/fixed"], "plugins": [plugin]}
    document = folder / "kong.json"
    document.write_text(json.dumps({"_format_version": "3.0", "routes": [route]}))
    environment = {
        **node_environment(folder, document, f"127.0.0.1:{plain}, 127.0.0.1:{tls} ssl"),
        "KONG_SSL_CERT": str(certificate),
        "KONG_SSL_CERT_KEY": str(key),
    }
    return ServerProcess("gateway", [str(COMMAND), "run"], tls, environment, folder / "log", cores)


def _round(server: Server, cores: list[int]) -> dict[str, float]:
    """Return CPU microseconds of the server by what it did."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = {}
    for version in ("tls1_3", "tls1_2"):
        for kind, flag in (("full", "-new"), ("resumed", "-reuse")):
            before = server.process.cpu_seconds()
            count = _connections(server.tls, flag, version, cores)
            cost = (server.process.cpu_seconds() - before) / count
            found[f"{kind} handshake, {version}"] = cost * 1e6
    found["request"] = _asked(server.process, server.plain, None) * 1e6
    found["request over TLS"] = _asked(server.process, server.tls, context) * 1e6
    return found


def _connections(port: int, flag: str, version: str, cores: list[int]) -> int:
    """Connect anew for some seconds, one after the other; return how often."""
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", flag, "-www", "/fixed"]
    if version == "tls1_2":
        command.append("-tls1_2")
    command += ["-time", str(_SECONDS)]
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command]
    output = subprocess.run(pinned, capture_output=True, text=True, check=True).stdout
    # The second figure is by the clock: real seconds.
    match = _CONNECTED.search(output)
    if match is None:
        raise RuntimeError(f"openssl s_time said nothing of connections:\n{output}")
    return int(match[1])


def _asked(server: ServerProcess, port: int, context: ssl.SSLContext | None) -> float:
    """Return CPU seconds of a request on connections that stay, all of them at a time."""
    with ExitStack() as stack:
        clients: list[socket.socket] = []
        for _ in range(_CONNECTIONS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                client = stack.enter_context(context.wrap_socket(client))
            clients.append(client)
        _turn(clients)
        before = server.cpu_seconds()
        for _ in range(_TURNS):
            _turn(clients)
        return (server.cpu_seconds() - before) / (_TURNS * _CONNECTIONS)


def _turn(clients: list[socket.socket]) -> None:
    for client in clients:
        client.sendall(_REQUEST)
    for client in clients:
        answer = b""
        while not answer.endswith(b"fixed"):
            received = client.recv(65536)
            if not received:
                raise RuntimeError(f"the connection ended after {answer!r}")
            answer += received


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
