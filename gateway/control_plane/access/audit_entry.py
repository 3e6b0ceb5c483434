# SPDX-License-Identifier: Apache-2.0
"""What the audit log notes of one call: the fields of Kong's (3.10), and some of ours.

Of bodies it has the names of all fields, and the values of those that cannot be secret. What was
changed in detail stands in the release.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.control_plane.access.identity import AdminIdentity

OF_REQUEST: ContextVar[list[int] | None] = ContextVar("releases", default=None)
"""Numbers of the releases that the present request has made; None outside of requests."""

DEFAULT_WORKSPACE = "00000000-0000-4000-8000-00000000000d"
"""The id of the one workspace there is."""

_SHOWN = frozenset(
    """
    algorithm consumer consumer_group created_at custom_id enabled expires_in group groups host
    hosts id instance_name kid level message methods name owner owners path paths port prefix
    protocol protocols regex_priority retries roles route service set snis status target ttl
    updated_at upstream username wait weight who
    """.split()  # noqa: SIM905
)
"""Fields that hold no secret, in whichever entity."""
_LONGEST = 200
"""Letters of one value, and items of a list."""


@dataclass(frozen=True)
class AuditedCall:
    """One call of an API, and what became of it."""

    request_id: str
    identity: AdminIdentity
    address: str
    agent: str
    method: str
    path: str
    """Without the query, and without keys that are secrets."""
    body: Mapping[str, Any] | None
    status: int
    releases: tuple[int, ...] = ()
    """The releases it made."""

    def entry(self) -> dict[str, Any]:
        """Return what is noted; ``ttl`` comes when it is shown."""
        payload, removed = masked(self.body)
        proven = self.identity.proven
        return {
            "request_id": self.request_id,
            "request_timestamp": int(time.time()),
            "request_source": None,
            "client_ip": self.address,
            "user_agent": self.agent[:_LONGEST] or None,
            "method": self.method,
            "path": self.path[:1000],
            "payload": payload,
            "removed_from_payload": removed,
            "status": self.status,
            "rbac_user_id": self.identity.key if proven and " " not in self.identity.key else None,
            "rbac_user_name": self.identity.name,
            "roles": sorted(self.identity.roles),
            "release": self.releases[0] if self.releases else None,
            "signature": None,
            "workspace": DEFAULT_WORKSPACE,
        }


def note_release(number: int) -> None:
    """Note that the present request has made a release."""
    made = OF_REQUEST.get()
    if made is not None:
        made.append(number)


def masked(body: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """Return a body as JSON without what may be secret, and the names of the fields left out."""
    if body is None:
        return None, None
    shown = {name: _plain(value) for name, value in body.items() if name in _SHOWN}
    removed = sorted(str(name)[:_LONGEST] for name in body if name not in _SHOWN)[:_LONGEST]
    return orjson.dumps(shown).decode(), ",".join(removed) or None


def _plain(value: Any) -> Any:
    """Return a value without what is inside of records but their ids and names.

    Those are plain values: however deep a caller nests them, this goes down two levels at most.
    """
    if isinstance(value, list):
        return [_record(one) for one in value[:_LONGEST] if not isinstance(one, list)]
    return _record(value)


def _record(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = {name: value[name] for name in ("id", "name", "username") if name in value}
        return {name: _cut(one) for name, one in found.items() if not _is_container(one)}
    return _cut(value)


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _cut(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value
