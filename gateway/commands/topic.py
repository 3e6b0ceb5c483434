# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway topic``: look at topics, and at what the gateway writes into them.

Endpoint and key come from a stack's outputs (``--stack``, by default ``local``), or from flags and
environment for any other Kafka.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from gateway.commands.failures import in_words
from gateway.commands.record_formats import Output, formatter, heading
from gateway.commands.spans import span
from gateway.errors import KafkaError
from gateway.names.addresses import server_problem, topic_problem, without_userinfo

if TYPE_CHECKING:
    from gateway.kafka.admin import KafkaConnection, Record

app = typer.Typer(help="List, create, write and read topics.", no_args_is_help=True)

PULUMI = Path(__file__).resolve().parents[2] / "tools" / "bin" / "pulumi"

Stack = Annotated[
    str, typer.Option(help="The stack whose outputs name the endpoint and the reader's key.")
]
Servers = Annotated[
    str | None,
    typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="host[:port][,…]; then no stack is asked."),
]
User = Annotated[str | None, typer.Option(envvar="KAFKA_USER", help="User name or API key.")]
Password = Annotated[
    str | None,
    typer.Option(envvar="KAFKA_PASSWORD", help="Password or API secret; better as environment."),
]
Authority = Annotated[
    Path | None,
    typer.Option(envvar="KAFKA_CA", help="PEM file of the authority of the brokers."),
]
Mechanism = Annotated[str, typer.Option(help="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.")]
Plaintext = Annotated[bool, typer.Option("--plaintext", help="Connect without TLS.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
_SCHEME = "SASL_SSL"
"""What Confluent Cloud shows before its brokers' addresses."""


def _topic(name: str) -> str:
    if problem := topic_problem(name):
        raise typer.BadParameter(f"the topic {problem}")
    return name


Name = Annotated[str, typer.Argument(help="The topic.", callback=_topic)]


@app.command("list")
@in_words
def list_(
    stack: Stack = "local",
    bootstrap_servers: Servers = None,
    user: User = None,
    password: Password = None,
    ca: Authority = None,
    mechanism: Mechanism = "PLAIN",
    plaintext: Plaintext = False,
    json: AsJson = False,
) -> None:
    """List the topics that the key may see, with their partitions."""
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.kafka import admin

    where = connection(stack, bootstrap_servers, user, password, ca, mechanism, plaintext)
    for topic in admin.list_topics(where):
        if json:
            _print(orjson.dumps({"name": topic.name, "partitions": topic.partitions}))
        else:
            typer.echo(f"{topic.name}\t{topic.partitions}")


@app.command()
@in_words
def create(
    topic: Name,
    partitions: Annotated[int, typer.Option(min=1, max=100_000)] = 1,
    replicas: Annotated[
        int, typer.Option(min=-1, max=10_000, help="-1 leaves it to the cluster.")
    ] = -1,
    config: Annotated[list[str] | None, typer.Option(help="name=value, repeatable.")] = None,
    stack: Stack = "local",
    bootstrap_servers: Servers = None,
    user: User = None,
    password: Password = None,
    ca: Authority = None,
    mechanism: Mechanism = "PLAIN",
    plaintext: Plaintext = False,
) -> None:
    """Make a topic (the reader's key of a stack may not; give a user that may)."""
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.kafka import admin

    where = connection(stack, bootstrap_servers, user, password, ca, mechanism, plaintext)
    admin.create_topic(where, topic, partitions, replicas, _pairs(config or [], "--config"))
    typer.echo(f"created {topic}")


@app.command()
@in_words
def produce(
    topic: Name,
    values: Annotated[
        list[str] | None, typer.Argument(help="Values; without any, one for each line of stdin.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The records' key.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="name=value, repeatable.")] = None,
    stack: Stack = "local",
    bootstrap_servers: Servers = None,
    user: User = None,
    password: Password = None,
    ca: Authority = None,
    mechanism: Mechanism = "PLAIN",
    plaintext: Plaintext = False,
) -> None:
    """Write records and wait until they are acknowledged."""
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.kafka import admin

    where = connection(stack, bootstrap_servers, user, password, ca, mechanism, plaintext)
    given = [value.encode() for value in values or []] or sys.stdin.buffer.read().splitlines()
    headers = [(n, v.encode()) for n, v in _pairs(header or [], "--header").items()]
    admin.produce(where, topic, given, key.encode() if key else None, headers)
    typer.echo(f"wrote {len(given)} to {topic}", err=True)


@app.command()
@in_words
def consume(
    topic: Name,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Begin with the oldest record.")
    ] = False,
    offset: Annotated[int | None, typer.Option(min=0, help="Begin at this offset.")] = None,
    last: Annotated[
        int | None, typer.Option(min=1, help="Begin so many records before each partition's end.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Begin at a time, or so long ago: 10m, 2026-11-28T20:00:00Z.")
    ] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Read this one alone.")] = None,
    max_: Annotated[int | None, typer.Option("--max", min=1, help="Stop after so many.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more at the end of the topic.")
    ] = False,
    key: Annotated[bool, typer.Option("--key", help="Show keys as well.")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="Show headers as well.")] = False,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="Bytes as written, JSON, or a table.")
    ] = Output.RAW,
    stack: Stack = "local",
    bootstrap_servers: Servers = None,
    user: User = None,
    password: Password = None,
    ca: Authority = None,
    mechanism: Mechanism = "PLAIN",
    plaintext: Plaintext = False,
    json: AsJson = False,
) -> None:
    """Print records' values, one a line, or whole records as JSON, or a table.

    With a place to begin at it ends where the topic ends now, unless it is to --follow; without
    one it waits for new records.
    """
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.kafka import admin

    at = admin.Beginning(from_beginning, offset, last, _milliseconds(since), partition)
    begins = [from_beginning, offset is not None, last is not None, since is not None]
    if sum(begins) > 1:
        raise KafkaError("--from-beginning, --offset, --last and --since exclude each other")
    output = Output.JSON if json else output
    where = connection(stack, bootstrap_servers, user, password, ca, mechanism, plaintext)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    line = formatter(output, key=key, headers=headers, width=width)
    records = admin.consume(where, topic, at=at, most=max_, follow=follow or not any(begins))
    _print_all(records, line, heading(key, headers) if output is Output.TABLE else None)


def _print_all(
    records: Iterable[Record], line: Callable[[Record], bytes], first: str | None
) -> None:
    """Print until there are no more, or whoever reads has seen enough."""
    try:
        if first is not None:
            _print(first.encode())
        for record in records:
            _print(line(record))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # Whoever read has seen enough; nor shall the interpreter's last flush complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _milliseconds(since: str | None) -> int | None:
    """Return ``10m`` or an ISO 8601 time as milliseconds since 1970."""
    if since is None:
        return None
    ago = span(since, "smhd")
    if ago is not None:
        return int((time.time() - ago) * 1000)
    try:
        # One without a zone in year 1 has no timestamp in some.
        at = datetime.fromisoformat(since).timestamp()
    except (ValueError, OverflowError):
        raise KafkaError(
            f"--since {since}: write 30s, 10m, 2h or 7d, or a time like 2026-11-28T20:00:00Z"
        ) from None
    return int(at * 1000)


def connection(
    stack: str,
    bootstrap_servers: str | None,
    user: str | None,
    password: str | None,
    ca: Path | None,
    mechanism: str,
    plaintext: bool,
) -> KafkaConnection:
    """Return where to connect: the flags, or the stack's outputs; flags win over them."""
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.kafka.admin import KafkaConnection

    # The client's C code does not survive what is no UTF-8.
    for text in (user, password, mechanism):
        (text or "").encode()
    if bootstrap_servers is not None:
        _check_servers(bootstrap_servers)
        return KafkaConnection(
            bootstrap_servers,
            user,
            password,
            ca=str(ca) if ca else None,
            mechanism=mechanism,
            tls=not plaintext,
        )
    kafka = stack_outputs(stack)
    return KafkaConnection(
        str(kafka["bootstrapServers"]),
        user or kafka.get("readerKey"),
        password if user else kafka.get("readerSecret"),
        ca=str(ca) if ca else None,
        ca_pem=None if ca else kafka.get("caPem"),
    )


def _check_servers(text: str) -> None:
    """Raise ``KafkaError`` for what is no list of brokers."""
    given = [one.strip() for one in text.split(",") if one.strip()]
    problems = map(_server_problem, given or [""])
    if problem := next(filter(None, problems), ""):
        raise KafkaError(f"--bootstrap-servers: {problem}")


def _server_problem(server: str) -> str:
    """Return what is wrong with a broker; without a port it is at 9092, as librdkafka has it."""
    scheme, separator, rest = without_userinfo(server).rpartition("://")
    if separator and scheme.upper() != _SCHEME and "@" not in server:
        # The flags say how to connect; librdkafka would go by both.
        write = "host:port" if server_problem(rest, bare=True) else rest
        flag = ", with --plaintext for one without TLS" * scheme.upper().endswith("PLAINTEXT")
        return f"'{scheme}://{rest}' has a scheme; write '{write}'{flag}"
    return server_problem(server, scheme=_SCHEME, bare=True)


def stack_outputs(stack: str) -> Mapping[str, Any]:
    """Return the output ``kafka`` of a stack; raises ``KafkaError`` naming what to do."""
    if not PULUMI.exists():
        raise KafkaError("no stacks here; give --bootstrap-servers, --user, --password and --ca")
    command = [str(PULUMI), "stack", "output", "--json", "--show-secrets", "--stack", stack]
    # Only the project's own script, with a stack's name as one argument.
    done = subprocess.run(  # noqa: S603
        command, cwd=PULUMI.parents[2], capture_output=True, check=False
    )
    if done.returncode:
        problem = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise KafkaError(
            f"stack {stack} has no outputs ({problem[-1] if problem else 'no reason given'}); "
            "is it up? Or give --bootstrap-servers"
        )
    kafka = orjson.loads(done.stdout).get("kafka")
    if not isinstance(kafka, dict) or not kafka.get("bootstrapServers"):
        raise KafkaError(f"stack {stack} has no output `kafka`; is it up? Run `make up`")
    return kafka


def _pairs(given: list[str], flag: str) -> dict[str, str]:
    found = {}
    for pair in given:
        pair.encode()  # the client's C code does not survive what is no UTF-8
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise KafkaError(f"{flag} {pair}: write it as name=value")
        found[name] = value
    return found


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
