# SPDX-License-Identifier: Apache-2.0
"""Settings that the plugins that log share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from gateway.entities.base import StrictModel
from gateway.entities.types import invalid
from gateway.plugins.logging.paths import PathProblem, parse_path
from gateway.plugins.logging.queue import QueueLimits


class LogFields(StrictModel):
    """What every plugin that logs has."""

    custom_fields_by_lua: dict[str, str] | None = Field(
        default=None,
        description="Fields of the log entry, each with the Lua chunk whose result it gets; nil "
        "removes it. Dots lead into objects (`a.b`; `\\.` is a dot in a name), `[n]` into lists, "
        "from 1. Plugins that log the same request later have the fields too. Chunks run in the "
        "sandbox, see `pre-function`.",
    )

    @field_validator("custom_fields_by_lua")
    @classmethod
    def _check_fields(cls, chunks: dict[str, str] | None) -> dict[str, str] | None:
        if not chunks:
            return chunks
        # LuaJIT is loaded only where there is Lua.
        from gateway.plugins.lua.sandbox import LuaSandbox, NotLua

        sandbox = LuaSandbox((), _nothing)
        for path, chunk in chunks.items():
            try:
                parse_path(path)
                sandbox.compile(chunk)
            except NotLua as error:
                raise invalid(f"error parsing the chunk of '{path}': {error}") from None
            except PathProblem as error:
                raise invalid(str(error)) from None
        return chunks


def _nothing(name: bytes, *_: object) -> None:
    raise ValueError("nothing runs here")


class LogQueueSettings(StrictModel):
    """How entries wait for their sink."""

    max_batch_size: Annotated[int, Field(ge=1, le=1000000)] = Field(
        default=1, description="How many entries are sent together at most."
    )
    max_coalescing_delay: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=1,
        description="How many seconds to wait for more entries after the first one; without "
        "effect when `max_batch_size` is 1.",
    )
    max_entries: Annotated[int, Field(ge=1, le=1000000)] = Field(
        default=10000,
        description="How many entries of a worker may wait; when there is one more, the oldest is "
        "dropped and counted.",
    )
    max_bytes: int | None = Field(
        default=None,
        description="How many bytes of entries of a worker may wait; the oldest are dropped for "
        "new ones.",
    )
    max_retry_time: Annotated[float, Field(ge=-1)] = Field(
        default=60,
        description="For how many seconds after the first attempt a batch is sent again before it "
        "is dropped; -1: without end.",
    )
    initial_retry_delay: Annotated[float, Field(ge=0.001, le=1000000)] = Field(
        default=0.01,
        description="How many seconds to wait before the second attempt; then twice as long each "
        "time.",
    )
    max_retry_delay: Annotated[float, Field(ge=0.001, le=1000000)] = Field(
        default=60, description="How many seconds to wait between two attempts at most."
    )
    concurrency_limit: int = Field(
        default=1,
        description="How entries are sent. 1: batch after batch. -1: each entry by itself, at "
        "once; no more of them than `max_entries`.",
    )

    @field_validator("concurrency_limit")
    @classmethod
    def _check_concurrency(cls, value: int) -> int:
        if value not in (-1, 1):
            raise invalid("expected one of: 1, -1")
        return value

    def limits(self, batch: int, coalescing: float) -> QueueLimits:
        """Return them for a queue, with these in place of their fields."""
        return QueueLimits(
            batch=batch,
            coalescing=coalescing,
            entries=self.max_entries,
            bytes=self.max_bytes,
            retry_time=self.max_retry_time,
            first_delay=self.initial_retry_delay,
            longest_delay=self.max_retry_delay,
            at_once=self.concurrency_limit == -1,
        )
