# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``pre-function`` and ``post-function``, with the fields of Kong 3.14."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from gateway.entities.base import StrictModel, at_least_one_of, violation
from gateway.entities.types import invalid

PHASES = ("rewrite", "access", "header_filter", "body_filter", "log")
"""Those that are served, in the order they come."""
_NOT_SERVED = (
    "certificate",
    "ws_handshake",
    "ws_client_frame",
    "ws_upstream_frame",
    "ws_close",
)
_NOT = "Must be empty: chunks are not run in this phase here."


def _chunks(when: str) -> Any:
    return Field(default_factory=list, description=f"Lua chunks that run {when}, in order.")


def _none() -> Any:
    return Field(default_factory=list, description=_NOT)


class FunctionPhases(StrictModel):
    """Lua chunks by the phase they run in."""

    plugin: ClassVar[str] = "pre-function"

    certificate: list[str] = _none()
    rewrite: list[str] = _chunks(
        "before `access`, where the plugin is not limited to a route or service"
    )
    access: list[str] = Field(
        default_factory=list,
        description="Lua chunks that run before the request is passed on or produced, in order. A "
        "chunk that returns a function is run once, and the function for each request. Chunks see "
        "`kong` (client, request, service.request, response, router, log, ctx, cache) and of `ngx` "
        "what ends a request (status, header, say, print, exit, redirect) and reads it (req, var, "
        "arg). They "
        "run in the sandbox, for 0.1 seconds of processor time at most; one that fails is a 500. "
        "`kong.ctx` holds what JSON can, `kong.cache` is the plugin's own in each worker.",
    )
    header_filter: list[str] = _chunks("when the response's head is there")
    body_filter: list[str] = _chunks("when the response's body is there, all of it: up to 10 MiB")
    log: list[str] = _chunks("after the response was sent")
    ws_handshake: list[str] = _none()
    ws_client_frame: list[str] = _none()
    ws_upstream_frame: list[str] = _none()
    ws_close: list[str] = _none()

    @field_validator(*PHASES, mode="after")
    @classmethod
    def _check_chunks(cls, chunks: list[str]) -> list[str]:
        if chunks:
            # LuaJIT is loaded only where there is Lua.
            from gateway.plugins.lua.sandbox import LuaSandbox, NotLua

            sandbox = LuaSandbox((), _nothing)
            for chunk in chunks:
                try:
                    sandbox.compile(chunk)
                except NotLua as error:
                    raise invalid(f"error parsing {cls.plugin}: {error}") from None
        return chunks

    @model_validator(mode="after")
    def _check(self) -> FunctionPhases:
        unserved = {
            name: "chunks are not run in this phase here; use another, or leave it out"
            for name in _NOT_SERVED
            if getattr(self, name)
        }
        if unserved:
            raise violation([], unserved)
        if not any(getattr(self, phase) for phase in PHASES):
            phases = ("certificate", *PHASES)
            raise violation([at_least_one_of(f"config.{name}" for name in phases)])
        return self


class Config(FunctionPhases):
    """Run Lua before all other plugins."""


def _nothing(name: bytes, *_: Any) -> Any:
    raise ValueError("nothing runs here")
