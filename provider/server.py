# SPDX-License-Identifier: Apache-2.0
"""The ``ResourceProvider`` service: protocol on the outside, ``provider.resource`` inside.

The provider itself has no configuration: endpoints and tokens are inputs of the resources, since
a provider with an unknown value in its configuration is not asked to check anything at preview.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from gateway import __version__
from gateway.errors import GatewayError, ResourceInitFailed
from gateway.names.property_paths import PropertyPath
from provider.engine_log import EngineLog
from provider.registry import implementation
from provider.resource import Resource, ResourceCall, State
from provider.responses import abort_init_failed, diff_response
from provider.values import Properties, decode, encode


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Dispatches each call to the type named in it."""

    def __init__(self, engine: str = "") -> None:
        """``engine`` is the address of the engine's own service."""
        self.log = EngineLog(engine)
        self._cancelled = threading.Event()
        self._noted: dict[tuple[str, Any], str] = {}

    # --- the plugin itself --------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Agree on the wire format: secrets are wrapped, nothing else is special."""
        self.log.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Serve an engine that did not start us (PULUMI_DEBUG_PROVIDERS)."""
        self.log.connect(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The plugin has the project's version."""
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return all types, for `pulumi package get-schema|gen-sdk|add`."""
        # Late: no stack's operation asks for it.
        from provider.schema import package_schema

        return provider_pb2.GetSchemaResponse(schema=json.dumps(package_schema()))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """There is nothing to configure."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A new version of the provider replaces nothing."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Say the same as in Handshake; previews reach Create and Update."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Make every wait end; the engine closes us right after."""
        self._cancelled.set()
        return empty_pb2.Empty()

    # --- resources ----------------------------------------------------------------------------

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Inputs with defaults, or failures that begin with a property path."""
        return self._guarded(context, request, self._check)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What an update would change, property by property."""
        return self._guarded(context, request, self._diff)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Make the resource; at preview return what is known of it."""
        return self._guarded(context, request, self._create)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The resource as it is now; an empty id says that it is gone."""
        return self._guarded(context, request, self._read)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Bring the resource to its new inputs."""
        return self._guarded(context, request, self._update)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Remove the resource."""
        return self._guarded(context, request, self._delete)

    def _check(self, kind: Resource, request: Any) -> Any:
        olds, _ = decode(request.olds)
        news, secrets = decode(request.news)
        call = self._call(request, secrets)
        inputs, problems = kind.check(call, olds, news)
        return provider_pb2.CheckResponse(
            inputs=_encoded(kind, inputs, secrets),
            # As a sentence: beside a property's name the engine prints the value at the top of its
            # path, which is `{<nil>}` for one that is missing or nested, and clear for a secret.
            failures=[
                provider_pb2.CheckFailure(reason=f"{path}: {reason}" if path else reason)
                for path, reason in problems
            ],
        )

    def _diff(self, kind: Resource, request: Any) -> Any:
        state, _ = _state(request.id, request.old_inputs, request.olds)
        news, secrets = decode(request.news)
        changes = kind.diff(self._call(request, secrets), state, news)
        ignored = tuple(request.ignoreChanges)
        changes = [change for change in changes if not change.path.startswith(ignored)]
        return diff_response(changes, kind.delete_before_replace)

    def _create(self, kind: Resource, request: Any) -> Any:
        inputs, secrets = decode(request.properties)
        call = self._call(request, secrets, request.preview)
        identity, outputs = kind.create(call, inputs)
        return provider_pb2.CreateResponse(id=identity, properties=_encoded(kind, outputs, secrets))

    def _read(self, kind: Resource, request: Any) -> Any:
        state, secrets = _state(request.id, request.inputs, request.properties)
        current = kind.read(self._call(request, secrets), state)
        if current is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=current.id,
            inputs=_encoded(kind, current.inputs, secrets),
            properties=_encoded(kind, current.outputs, secrets),
        )

    def _update(self, kind: Resource, request: Any) -> Any:
        state, _ = _state(request.id, request.old_inputs, request.olds)
        news, secrets = decode(request.news)
        outputs = kind.update(self._call(request, secrets, request.preview), state, news)
        return provider_pb2.UpdateResponse(properties=_encoded(kind, outputs, secrets))

    def _delete(self, kind: Resource, request: Any) -> Any:
        state, secrets = _state(request.id, request.old_inputs, request.properties)
        kind.delete(self._call(request, secrets), state)
        return empty_pb2.Empty()

    def _call(
        self, request: Any, secrets: frozenset[PropertyPath], preview: bool = False
    ) -> ResourceCall:
        return ResourceCall(
            urn=request.urn,
            log=self.log,
            cancelled=self._cancelled,
            secrets=secrets,
            preview=preview,
            noted=self._noted,
        )

    def _guarded(self, context: Any, request: Any, respond: Callable[[Resource, Any], Any]) -> Any:
        try:
            kind = implementation(request.type or _type_of(request.urn))
            return respond(kind, request)
        except ResourceInitFailed as problem:
            _abort(context, problem, implementation(_type_of(request.urn)), request)
        except GatewayError as problem:
            context.abort(grpc.StatusCode.UNKNOWN, str(problem))
        except OSError as problem:
            # A full disk, say, or a directory of another user.
            where = problem.filename or type(problem).__name__
            context.abort(grpc.StatusCode.UNKNOWN, f"{where}: {problem.strerror or 'it failed'}")
        except Exception as problem:
            context.abort(grpc.StatusCode.INTERNAL, _bug(problem))


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _state(
    identity: str, inputs: struct_pb2.Struct, outputs: struct_pb2.Struct
) -> tuple[State, frozenset[PropertyPath]]:
    plain_inputs, secrets = decode(inputs)
    plain_outputs, more = decode(outputs)
    return State(identity, plain_inputs, plain_outputs), secrets | more


def _encoded(
    kind: Resource, properties: Properties, secrets: Iterable[PropertyPath]
) -> struct_pb2.Struct:
    return encode(properties, {*secrets, *kind.schema.secrets})


def _abort(context: Any, problem: ResourceInitFailed, kind: Resource, request: Any) -> NoReturn:
    inputs, secrets = decode(request.properties if hasattr(request, "properties") else request.news)
    outputs = _encoded(kind, problem.outputs, secrets)
    abort_init_failed(context, problem.id, str(problem), _encoded(kind, inputs, secrets), outputs)


def _bug(problem: Exception) -> str:
    """Where a bug struck; not the exception's text, which may hold anything."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"bug in the provider: {type(problem).__name__} at {where}"
