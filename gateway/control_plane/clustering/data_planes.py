# SPDX-License-Identifier: Apache-2.0
"""What is known about each data plane, connected or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from gateway.control_plane.clustering.compat import Incompatibility, SyncStatus
from gateway.errors import ClusterError
from gateway.hybrid.config_hash import ZERO_HASH

_SILENT = 60.0
"""Seconds after which a data plane elsewhere counts as gone, and its control plane may be: it pings
every 30 s, which is written every 5 s."""
PER_CERTIFICATE = 100
"""Most data planes with one certificate, by default."""


@dataclass
class DataPlane:
    """One data plane. Times are in seconds since 1970."""

    id: str
    hostname: str = ""
    ip: str = ""
    version: str = ""
    config_hash: str = ZERO_HASH
    """What it reported last to serve."""
    sync_status: SyncStatus = "unknown"
    last_seen: int = 0
    updated_at: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    certificate_expires: int | None = None
    certificate: str = ""
    """SHA-256 of the certificate it came with last; empty when it was last seen by a version that
    did not keep it."""
    control_plane: str = ""
    """Id of the one that it is connected to, or was last."""
    connected: bool = False
    """Whether it was when that control plane wrote this."""
    release: int = 0
    """The newest that is in what it serves, as far as that control plane knows."""
    problem: tuple[int, str] | None = None
    """A release that it is not served, and why."""


@dataclass
class Contact:
    """The state of a data plane that is connected now, which is not kept over a restart."""

    sessions: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    """Hash of a configuration to the reason why the data plane does not serve it."""
    withheld: tuple[str, str] | None = None
    """Hash of a configuration that it was not sent, and the reason."""


class DataPlanes:
    """All data planes that have been seen, and a way to wait for news of them.

    Lives on one event loop; none of the methods block.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]] = (),
        per_certificate: int = PER_CERTIFICATE,
        control_plane: str = "",
    ) -> None:
        self._control_plane = control_plane
        """Our own id, by which rows of others are told apart."""
        self._known = {row["id"]: _read(row) for row in rows}
        self.urgent = asyncio.Event()
        """What publishing calls of other control planes may wait for has changed."""
        self.per_certificate = per_certificate
        """Most that are known with one certificate: a node makes up its id itself."""
        self._forgotten: set[str] = set()
        self._contacts: dict[str, Contact] = {}
        self._unsaved: set[str] = set()
        self._news = asyncio.Event()
        for certificate in {one.certificate for one in self._known.values()}:
            self._make_room(certificate, 0)

    def __iter__(self) -> Iterator[DataPlane]:
        return iter(sorted(self._known.values(), key=lambda one: one.id))

    def get(self, node: str) -> DataPlane | None:
        """Return what is known about a data plane."""
        return self._known.get(node)

    def connected(self) -> list[str]:
        """Return the ids of the data planes that are connected now."""
        return sorted(node for node, contact in self._contacts.items() if contact.sessions)

    def elsewhere(self) -> list[str]:
        """Return the ids of the data planes that are connected to other control planes."""
        return sorted(one.id for one in self._known.values() if self.is_elsewhere(one))

    def is_elsewhere(self, one: DataPlane) -> bool:
        """Tell whether a data plane is connected to another control plane, which is alive."""
        return (
            one.connected
            and one.control_plane != self._control_plane
            and one.id not in self._contacts
            and one.last_seen > time.time() - _SILENT
        )

    def take_in(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Take up what other control planes wrote; return whether there was something new."""
        changed = False
        for row in rows:
            one = _read(row)
            if one.control_plane in ("", self._control_plane):
                continue
            if one.id in self._contacts:
                self._hurry(one.id)  # it is here by now, and the other knows no better
            elif self._known.get(one.id) != one:
                self._known[one.id] = one
                changed = True
        return changed

    def contact(self, node: str) -> Contact:
        """Return the state of a data plane's connection; an empty one when it has none."""
        return self._contacts.get(node) or Contact()

    def see(self, seen: DataPlane) -> None:
        """Note what a data plane tells of itself; what is known of its configuration stays.

        Others with its certificate are forgotten, unless connected, when there are too many: those
        seen last the longest ago first. Raises ``ClusterError`` when all of them are connected.
        """
        before = self._known.get(seen.id)
        if before is None or before.certificate != seen.certificate:
            self._make_room(seen.certificate, 1, seen.id)
        if before is not None:
            seen.config_hash = before.config_hash
            seen.sync_status = before.sync_status
            seen.updated_at = before.updated_at
        self._known[seen.id] = seen
        self._touch(seen)

    def arrive(self, node: str) -> None:
        """Note that a data plane that has been seen is connected; a node may be so twice."""
        self._contacts.setdefault(node, Contact()).sessions += 1
        self._hurry(node)
        self.announce()

    def leave(self, node: str) -> None:
        """Note that one of a data plane's connections is gone."""
        contact = self._contacts[node]
        contact.sessions -= 1
        if contact.sessions <= 0:
            del self._contacts[node]
            self._hurry(node)
        self.announce()

    def report(self, node: str, config_hash: str) -> None:
        """Note a ping: the data plane lives, and serves the configuration of this hash."""
        data_plane = self._known[node]
        if data_plane.config_hash != config_hash:
            data_plane.config_hash = config_hash
            data_plane.updated_at = int(time.time())
            self._hurry(node)
        # What it serves now it can serve, even if it refused it before.
        self._contacts[node].refusals.pop(config_hash, None)
        self._touch(data_plane)

    def refuse(self, node: str, config_hash: str, reason: str) -> None:
        """Note that a data plane does not serve a configuration."""
        self._contacts[node].refusals = {config_hash: reason}
        self._hurry(node)
        self._touch(self._known[node])

    def compare(
        self, node: str, incompatible: Incompatibility | None, config_hash: str = ""
    ) -> None:
        """Note whether a data plane may be sent the configuration of this hash."""
        data_plane = self._known[node]
        data_plane.sync_status = "normal" if incompatible is None else incompatible.status
        contact = self._contacts.get(node)
        if contact is not None:
            found = None if incompatible is None else (config_hash, incompatible.reason)
            if contact.withheld != found:
                self._hurry(node)
            contact.withheld = found
        self._touch(data_plane)

    def forget_refusals(self, config_hash: str) -> None:
        """Forget refusals of a configuration: it is about to be sent again."""
        for contact in self._contacts.values():
            contact.refusals.pop(config_hash, None)

    def purge(self, seen_after: int) -> None:
        """Forget data planes that are not connected and were last seen before this time."""
        for data_plane in list(self._known.values()):
            if data_plane.last_seen < seen_after and data_plane.id not in self._contacts:
                del self._known[data_plane.id]

    def _make_room(self, certificate: str, wanted: int, newcomer: str = "") -> None:
        same = [
            one
            for one in self._known.values()
            if one.certificate == certificate and one.id != newcomer
        ]
        surplus = len(same) + wanted - self.per_certificate
        if surplus <= 0:
            return
        unconnected = sorted(
            (one for one in same if one.id not in self._contacts and not self.is_elsewhere(one)),
            key=lambda one: (one.last_seen, one.updated_at),
        )
        if len(unconnected) < surplus:
            raise ClusterError(
                f"{self.per_certificate} data planes with this certificate are connected; for more "
                "give them certificates of their own, or raise "
                "KAFKA_GATEWAY_CLUSTER_NODES_PER_CERTIFICATE"
            )
        for one in unconnected[:surplus]:
            del self._known[one.id]
            self._forgotten.add(one.id)

    def take_forgotten(self) -> list[str]:
        """Return the ids that were forgotten to make room since the last call."""
        forgotten, self._forgotten = self._forgotten, set()
        return sorted(forgotten - self._known.keys())

    def take_unsaved(self) -> list[dict[str, Any]]:
        """Return the rows that changed since the last call, for the database."""
        changed, self._unsaved = self._unsaved, set()
        found = [self._known[node] for node in sorted(changed) if node in self._known]
        for one in found:
            one.control_plane, one.connected = self._control_plane, one.id in self._contacts
        return [asdict(one) for one in found]

    def save_again(self, nodes: Iterable[str]) -> None:
        """Have rows taken again, which could not be written."""
        self._unsaved.update(nodes)

    @property
    def event(self) -> asyncio.Event:
        """What is set at the next news."""
        return self._news

    async def news(self) -> None:
        """Wait until something changes."""
        await self._news.wait()

    def announce(self) -> None:
        """Wake all that wait for news."""
        self._news.set()
        self._news = asyncio.Event()

    def _hurry(self, node: str) -> None:
        self._unsaved.add(node)
        self.urgent.set()

    def _touch(self, data_plane: DataPlane) -> None:
        data_plane.last_seen = int(time.time())
        self._unsaved.add(data_plane.id)
        self.announce()


def _read(row: Mapping[str, Any]) -> DataPlane:
    """Return a row of the database; another version may have written other fields."""
    found = DataPlane(**{name: row[name] for name in _NAMES & row.keys()})
    if found.problem is not None:
        found.problem = found.problem[0], found.problem[1]  # a list in JSON
    return found


_NAMES = {one.name for one in fields(DataPlane)}
