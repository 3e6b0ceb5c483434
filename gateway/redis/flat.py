# SPDX-License-Identifier: Apache-2.0
"""The flat names that the fields of ``redis`` had before Kong 3.8; Kong takes them until 4.0.

A flat field is moved into the record where that one says nothing else, and shows the record's value
in what the Admin API returns, as Kong's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from gateway.entities.base import Hint, StrictModel
from gateway.entities.redis_settings import RedisSettings
from gateway.entities.types import MayBeEmpty

_NAMES: tuple[str, ...] = (
    "host",
    "port",
    "timeout",
    "username",
    "password",
    "database",
    "ssl",
    "ssl_verify",
    "server_name",
)


def _flat(name: str) -> Any:
    return Field(default=None, description=f"The former name of `redis.{name}`.")


class WithRedis(StrictModel):
    """A plugin's configuration with ``redis``, and with the flat names of its fields."""

    redis: RedisSettings = Field(
        default_factory=RedisSettings, description="The server that keeps the counters."
    )
    redis_host: Annotated[str, Hint(shorthand=("redis.host",))] | None = _flat("host")
    redis_port: Annotated[int, Hint(shorthand=("redis.port",))] | None = _flat("port")
    redis_timeout: Annotated[int, Hint(shorthand=("redis.timeout",))] | None = _flat("timeout")
    redis_username: (
        Annotated[str, Hint(shorthand=("redis.username",), referenceable=True, encrypted=True)]
        | None
    ) = _flat("username")
    redis_password: (
        Annotated[
            MayBeEmpty, Hint(shorthand=("redis.password",), referenceable=True, encrypted=True)
        ]
        | None
    ) = _flat("password")
    redis_database: Annotated[int, Hint(shorthand=("redis.database",))] | None = _flat("database")
    redis_ssl: Annotated[bool, Hint(shorthand=("redis.ssl",))] | None = _flat("ssl")
    redis_ssl_verify: Annotated[bool, Hint(shorthand=("redis.ssl_verify",))] | None = _flat(
        "ssl_verify"
    )
    redis_server_name: Annotated[str, Hint(shorthand=("redis.server_name",))] | None = _flat(
        "server_name"
    )

    @model_validator(mode="before")
    @classmethod
    def _move(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        record = data.get("redis")
        if record is not None and not isinstance(record, Mapping):
            return data
        given = {name: data.get(f"redis_{name}") for name in _NAMES}
        standing = RedisSettings().model_dump()
        moved = {
            name: value
            for name, value in given.items()
            if value is not None and (record or {}).get(name) in (None, standing[name])
        }
        return {**data, "redis": {**(record or {}), **moved}} if moved else data

    @model_validator(mode="after")
    def _show(self) -> WithRedis:
        for name in _NAMES:
            setattr(self, f"redis_{name}", getattr(self.redis, name))
        return self
