# SPDX-License-Identifier: Apache-2.0
"""One ``ResourceProvider`` for every stubbed package: the protocol for real, the cloud as a folder.

Faults make operations fail: ``create:KafkaTopic::orders`` (any part of a URN), several separated by
commas; ``half:`` instead of ``create:`` fails after the resource came to be, and has the engine
record it. ``first:`` fails the first creation of each resource, ``first-half:`` does so after it
came to be.
"""

from __future__ import annotations

import re
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from gateway.names.property_paths import render_path
from provider.diff import PropertyChange, compare
from provider.responses import abort_init_failed, diff_response, top_property
from provider.values import UNKNOWN, decode, encode
from tools.stubs.package import BIRTH, PROVIDER, Call, Package, Properties, StubType, digits
from tools.stubs.world import Thing, World


class StubProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one package. Several provider resources may use it at once, over a connection each."""

    def __init__(self, package: Package, version: str, world: World, faults: str = "") -> None:
        self._package = package
        self._configs: dict[str, Properties] = {}
        self._version = version
        self._world = world
        self._faults: list[str] = []
        self.set_faults(faults)

    @property
    def package(self) -> str:
        """Name of the package that it serves."""
        return self._package.name

    def set_faults(self, faults: str) -> None:
        """Have these operations fail from now on, instead of those before."""
        self._faults = [item for item in faults.split(",") if item]

    # --- the plugin itself --------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        olds, _ = decode(request.old_inputs)
        news, _ = decode(request.news)
        replacing = self._package.reconfigured(olds, news)
        edits = [
            PropertyChange(render_path(path), change, top_property(render_path(path)) in replacing)
            for path, change in compare(olds, news).items()
        ]
        return diff_response(edits, delete_before_replace=False)

    def Configure(self, request: Any, context: Any) -> Any:
        self._configs[context.peer()], _ = decode(request.args)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True
        )

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        arguments, _ = decode(request.args)
        answer = self._package.invokes.get(request.tok)
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stub has no function {request.tok}")
            raise AssertionError("abort always raises")
        call = Call(arguments, self._configs.get(context.peer(), {}), self._world)
        made = provider_pb2.InvokeResponse()
        # `return` is a keyword, and the field's name.
        getattr(made, "return").CopyFrom(encode(answer(call)))
        return made

    def Construct(self, request: Any, context: Any) -> Any:
        if self._package.construct is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the stub has no components")
            raise AssertionError("abort always raises")
        return self._package.construct(request)

    # --- resources ----------------------------------------------------------------------------

    def Check(self, request: Any, context: Any) -> Any:
        kind = self._kind(request.urn, context)
        olds, _ = decode(request.olds)
        news, secrets = decode(request.news)
        inputs = {**kind.defaults, **{k: v for k, v in news.items() if v is not None}}
        if kind.autoname:
            seed = self._seed(request.urn)
            _autoname(kind.autoname, inputs, olds, request.urn, seed)
        return provider_pb2.CheckResponse(inputs=encode(inputs, secrets))

    def Diff(self, request: Any, context: Any) -> Any:
        kind = self._kind(request.urn, context)
        olds, _ = decode(request.old_inputs)
        news, _ = decode(request.news)
        ignored = tuple(request.ignoreChanges)
        edits = {
            render_path(path): change
            for path, change in compare(olds, news).items()
            if not (ignored and render_path(path).startswith(ignored))
        }
        replacing = {*kind.replaces, *kind.replacing(olds, news)}
        changes = [
            PropertyChange(path, change, top_property(path) in replacing or path in kind.replaces)
            for path, change in edits.items()
        ]
        first = kind.delete_before_replace or _named_by_program(kind.autoname, news, request.urn)
        return diff_response(changes, first)

    def Create(self, request: Any, context: Any) -> Any:
        kind = self._kind(request.urn, context)
        inputs, secrets = decode(request.properties)
        hidden = {*secrets, *((name,) for name in kind.secrets)}
        if request.preview:
            later = dict.fromkeys(kind.outputs("later", inputs), UNKNOWN)
            return provider_pb2.CreateResponse(properties=encode({**inputs, **later}, hidden))
        self._fail("create", request.urn, context)
        first = not any(entry.urn == request.urn for entry in self._world.log())
        if first and self._faulty("first", request.urn):
            self._world.note("failed", request.urn)
            context.abort(grpc.StatusCode.UNKNOWN, "the test wanted the first attempt to fail")
        self._refuse(kind.refuses(None, inputs, self._world), context)
        self._place(context)
        made = self._make(kind, request.urn, inputs, context)
        if self._faulty("half", request.urn) or (first and self._faulty("first-half", request.urn)):
            self._world.note("failed", request.urn)
            message = "the test wanted create to fail half-way"
            outputs = encode(made.outputs, hidden)
            abort_init_failed(context, made.id, message, encode(inputs, secrets), outputs)
        return provider_pb2.CreateResponse(id=made.id, properties=encode(made.outputs, hidden))

    def Read(self, request: Any, context: Any) -> Any:
        kind = self._kind(request.urn, context)
        self._fail("read", request.urn, context)
        token = _type(request.urn)
        place = self._place(context, gone=True)
        thing = None if place is None else self._world.get(token, request.id, place)
        _, secrets = decode(request.inputs)
        hidden = {*secrets, *((name,) for name in kind.secrets)}
        if thing is None and not request.inputs.fields:
            # A `get`: something that the world has without the program's doing.
            outputs = kind.outputs(request.id, {})
            return provider_pb2.ReadResponse(id=request.id, properties=encode(outputs, hidden))
        if thing is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=thing.id,
            inputs=encode(thing.inputs, secrets),
            properties=encode(thing.outputs, hidden),
        )

    def Update(self, request: Any, context: Any) -> Any:
        kind = self._kind(request.urn, context)
        news, secrets = decode(request.news)
        olds, _ = decode(request.olds)
        hidden = {*secrets, *((name,) for name in kind.secrets)}
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode({**olds, **news}, hidden))
        self._fail("update", request.urn, context)
        before, _ = decode(request.old_inputs)
        self._refuse(kind.refuses(before, news, self._world), context)
        birth = self._created(request.urn) - 1
        outputs = {**news, **kind.outputs(request.id, {**news, BIRTH: birth})}
        token = _type(request.urn)
        thing = Thing(token, request.id, request.urn, news, outputs, self._place(context) or "")
        self._world.put("update", thing)
        return provider_pb2.UpdateResponse(properties=encode(outputs, hidden))

    def Delete(self, request: Any, context: Any) -> Any:
        self._fail("delete", request.urn, context)
        place = self._place(context, gone=True)
        if place is None:
            return empty_pb2.Empty()
        thing = self._world.get(_type(request.urn), request.id, place)
        kind = self._kind(request.urn, context)
        if thing is not None:
            self._refuse(kind.stays(thing, self._world), context)
        self._world.remove(_type(request.urn), request.id, request.urn, place)
        if thing is not None and (held := kind.holds(thing.outputs)):
            self._world.clear(held)
        return empty_pb2.Empty()

    # --- helpers ------------------------------------------------------------------------------

    def _kind(self, urn: str, context: Any) -> StubType:
        found = self._package.types.get(_type(urn))
        if found is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stub has no type {_type(urn)}")
            raise AssertionError("abort always raises")
        return found

    def _refuse(self, why: str, context: Any) -> None:
        if why:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)

    def _place(self, context: Any, *, gone: bool = False) -> str | None:
        """Return where the provider's resources lie; abort when it cannot be reached.

        With ``gone``, what cannot be reached may count as gone, when the world says so: as the
        provider of Kubernetes has it with `PULUMI_K8S_DELETE_UNREACHABLE`.
        """
        place = self._package.place(self._configs.get(context.peer(), {}))
        why = self._package.unreachable(place, self._world)
        if why and gone and self._world.said("delete-unreachable", usual=False):
            return None
        self._refuse(why, context)
        return place

    def _make(self, kind: StubType, urn: str, inputs: Properties, context: Any) -> Thing:
        config = self._configs.get(context.peer(), {})
        place = self._package.place(config)
        before = self._created(urn)
        identity = kind.identity(f"{urn} {before}", {**inputs, PROVIDER: config})
        outputs = {**inputs, **kind.outputs(identity, {**inputs, BIRTH: before})}
        if kind.unique and self._world.get(_type(urn), identity, place):
            self._refuse(f"{kind.taken}: {identity} already exists", context)
        thing = Thing(_type(urn), identity, urn, inputs, outputs, place)
        self._world.put("create", thing)
        kind.leaves(thing, self._world)
        return thing

    def _created(self, urn: str) -> int:
        return sum(e.operation == "create" and e.urn == urn for e in self._world.log())

    def _seed(self, urn: str) -> str:
        before = self._created(urn)
        return f"{urn} {before}" if before else urn

    def _faulty(self, operation: str, urn: str) -> bool:
        pairs = (item.split(":", 1) for item in self._faults)
        return any(wanted == operation and part in urn for wanted, part in pairs)

    def _fail(self, operation: str, urn: str, context: Any) -> None:
        if self._faulty(operation, urn):
            context.abort(grpc.StatusCode.UNKNOWN, f"the test wanted {operation} to fail")


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _autoname(
    path: tuple[str, ...], inputs: Properties, olds: Properties, urn: str, seed: str
) -> None:
    old: Any = olds
    new = inputs
    for name in path[:-1]:
        old = old.get(name) if isinstance(old, dict) else None
        inner = new.get(name)
        new[name] = dict(inner) if isinstance(inner, dict) else {}
        new = new[name]
    last = path[-1]
    if new.get(last) is None:
        kept = old.get(last) if isinstance(old, dict) else None
        # As the providers do: the resource's name and seven digits, kept once it has it. A name
        # that the program gave before is not kept.
        kept = kept if isinstance(kept, str) and _automatic(kept, urn) else None
        new[last] = kept or f"{urn.rsplit('::', 1)[-1]}-{digits(seed, 7)}"


def _automatic(name: str, urn: str) -> bool:
    return re.fullmatch(re.escape(urn.rsplit("::", 1)[-1]) + "-[0-9a-f]{7}", name) is not None


def _named_by_program(path: tuple[str, ...], inputs: Properties, urn: str) -> bool:
    """A name that the program gives is taken until the old resource is gone.

    So a replacement deletes first (pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`).
    """
    value: Any = inputs
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, str) and not _automatic(value, urn)
