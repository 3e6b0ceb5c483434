# SPDX-License-Identifier: Apache-2.0
"""What a component registers: every resource with its options, recorded by Pulumi's mock monitor.

It proves which resources there would be and how they hang together, nothing about their providers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
Outputs = Callable[[str, str, dict[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Registration:
    """One resource as the program asked for it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    protect: bool
    retain: bool
    deleted_with: str
    dependencies: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    aliases: tuple[str, ...]
    timeouts: Mapping[str, str]
    custom: bool
    raw: str
    """The whole request as JSON, secrets with their signature."""

    def depends_on(self, name: str) -> bool:
        """Tell whether it waits for the resource called ``name``."""
        return any(urn.endswith(f"::{name}") for urn in self.dependencies)

    def is_secret(self, key: str) -> bool:
        """Tell whether the top-level input ``key`` went out wrapped as a secret."""
        import json

        value = json.loads(self.raw).get(key)
        return isinstance(value, dict) and SECRET_SIGNATURE in json.dumps(value)


def secret(value: str) -> Mapping[str, str]:
    """Return an output that comes back as a secret, which mocks do not do by themselves."""
    return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": value}


class _Recorder(mocks.MockMonitor):
    def __init__(self, outputs: Outputs) -> None:
        super().__init__(_Echo(outputs))
        self.registrations: list[Registration] = []

    def RegisterResource(self, request: Any) -> Any:
        _name_references(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.registrations.append(_registration(request))
        answer: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi ships it so
        return answer


def _name_references(properties: Any) -> None:
    """Put the URN in place of each resource at the top: looking it up would wait for this call."""
    for value in properties.fields.values():
        found = value.struct_value.fields if value.HasField("struct_value") else {}
        if SIGNATURE_KEY in found and found[SIGNATURE_KEY].string_value == RESOURCE_SIGNATURE:
            value.string_value = found["urn"].string_value


def _registration(request: Any) -> Registration:
    times = request.customTimeouts
    return Registration(
        type=request.type,
        name=request.name,
        inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
        parent=request.parent,
        provider=request.provider,
        protect=request.protect,
        retain=request.retainOnDelete,
        deleted_with=request.deletedWith,
        dependencies=tuple(request.dependencies),
        secret_outputs=tuple(request.additionalSecretOutputs),
        delete_before_replace=request.deleteBeforeReplace,
        ignore_changes=tuple(request.ignoreChanges),
        aliases=tuple(str(alias) for alias in request.aliases),
        timeouts={"create": times.create, "update": times.update, "delete": times.delete},
        custom=request.custom,
        raw=json_format.MessageToJson(request.object),
    )


class _Echo(mocks.Mocks):
    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        more = self._outputs(args.typ, args.name, args.inputs)
        return f"{args.name}-id", {**args.inputs, **more}

    def call(self, args: mocks.MockCallArgs) -> Any:
        return dict(self._outputs(args.token, "", args.args))


def register(
    program: Callable[[], Any],
    outputs: Outputs = lambda _type, _name, _inputs: {},
    *,
    stack: str = "local",
    preview: bool = False,
) -> list[Registration]:
    """Run ``program`` under mocks; ``outputs`` says what a resource (or call) has beyond inputs."""
    with _loops_closed():
        asyncio.set_event_loop(asyncio.new_event_loop())
        recorder = _Recorder(outputs)
        mocks.set_mocks(
            recorder.mocks,
            project="kafka-gateway",
            stack=stack,
            preview=preview,
            monitor=recorder,
            organization="organization",
        )

        run: Any = pulumi.runtime.test(program)  # type: ignore[no-untyped-call]  # Pulumi ships it so
        run()
        return recorder.registrations


@contextmanager
def _loops_closed() -> Iterator[None]:
    """Close every event loop made inside: the mock monitor leaves one behind on each thread."""
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def recorded() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    try:
        with patch.object(asyncio, "new_event_loop", recorded):
            yield
    finally:
        asyncio.set_event_loop(None)
        for loop in made:
            loop.close()
