# SPDX-License-Identifier: Apache-2.0
"""What data planes say of configurations, and whose changes it is about.

A data plane takes or refuses a configuration as a whole. Here a refusal is brought back to what
changed since the configuration which that data plane serves: a publishing call that waits for it
is refused; other changes are *left out*, which means that data planes are sent those entities as
they were before, until somebody changes them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.rollout import Status, Verdict
from gateway.control_plane.delta import Delta, Key, RowChange, between, undone
from gateway.control_plane.ownership import owner_of
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table, row_label
from gateway.hybrid.config_hash import ZERO_HASH

_KEPT = 64
"""Configurations pushed last whose content is kept, to compare with."""
_REFERENCE = re.compile(r"\{vault://[^{}]*\}")
_OTHERS = 3
"""Entities that a refusal names; of more it says how many."""


@dataclass(frozen=True)
class Refusal:
    """One data plane's refusal, of which entities, and whose they are."""

    node: str
    hostname: str
    release: int
    reason: str
    entities: list[dict[str, Any]]
    """``collection``, ``id``, ``entity`` (its name for people) and ``owner`` or null."""
    served_without: bool
    """Whether data planes are sent these entities as they were before."""

    @property
    def text(self) -> str:
        """The refusal as a sentence without its end."""
        found = [_whose(one) for one in self.entities[:_OTHERS]]
        more = len(self.entities) - _OTHERS
        names = ", ".join(found) + (f" and {more} more" if more > 0 else "")
        about = f"{names}: " if names else ""
        return f"{about}{self.reason}"

    @property
    def warning(self) -> str:
        """The refusal as somebody is told who reads or writes the entity."""
        return (
            f"data plane {self.hostname} refused {self.text}; data planes are served without this "
            "change until the entity is changed again"
        )

    def body(self) -> dict[str, Any]:
        """Return what the Admin API shows of it."""
        return {
            "data_plane": {"id": self.node, "hostname": self.hostname},
            "release": self.release,
            "message": self.reason,
            "entities": self.entities,
            "served_without": self.served_without,
        }


@dataclass
class AwaitedRelease:
    """A publishing call that waits for what data planes say of its release."""

    number: int
    delta: Delta
    nodes: list[str]
    lacking: Collection[str] = ()
    """Data planes that lacked a plugin before already."""
    vouches: bool = False
    """It published again what was there: whatever is refused is its own."""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    end: int | None = None
    """Number of the release that takes it back."""

    @property
    def refusals(self) -> list[Verdict]:
        """The verdicts of those that refuse."""
        return [one for one in self.verdicts.values() if one.status == "refused"]


@dataclass(frozen=True)
class _Pushed:
    number: int
    table: Table


@dataclass(frozen=True)
class _LeftOut:
    change: RowChange
    refusal: Refusal


class Judge:
    """Lives on one event loop; none of the methods block."""

    def __init__(self, data_planes: DataPlanes) -> None:
        self._data_planes = data_planes
        self._pushes: dict[str, _Pushed] = {}
        self._handled: set[tuple[str, str]] = set()
        self._left_out: dict[Key, _LeftOut] = {}
        self._stuck: dict[str, Refusal] = {}
        self._awaited: list[AwaitedRelease] = []
        self._seen: set[str] = set()
        self._groups: list[frozenset[Key]] = []
        self._single: dict[Key, tuple[int, RowChange]] = {}

    @property
    def refusals(self) -> list[Refusal]:
        """The refusals that stand: of what is left out, and of data planes left behind."""
        found = {id(one.refusal): one.refusal for one in self._left_out.values()}
        connected = self._data_planes.connected()
        return [*found.values(), *(one for node, one in self._stuck.items() if node in connected)]

    def refusal_of(self, collection: str, entity: str) -> Refusal | None:
        """Return the refusal of an entity, if it is left out."""
        found = self._left_out.get((collection, entity))
        return None if found is None else found.refusal

    def expect(self, awaited: AwaitedRelease) -> None:
        """Have a call's verdicts collected from now on."""
        self._awaited.append(awaited)
        if awaited.vouches:
            self._stuck.clear()  # it is asked again

    def dismiss(self, awaited: AwaitedRelease) -> None:
        """Collect no more; its changes are from now on like those of single writes."""
        self._awaited.remove(awaited)
        if not awaited.vouches:
            self._note_group(awaited.delta)

    def note_single(self, number: int, delta: Delta) -> None:
        """Note what a single write changed, until a data plane has taken it."""
        self.retry(delta)
        self._note_group(delta)
        for key, change in delta.items():
            before = self._single[key][1].before if key in self._single else change.before
            self._single[key] = number, RowChange(before, change.after)

    def to_be_sent(self, table: Table) -> Table:
        """Return what data planes get of a configuration: without what is left out.

        An entity that was changed since it was refused is tried again.
        """
        rows = {
            name: {row["id"]: row for row in table.get(name, ())}
            for name in {collection for collection, _ in self._left_out}
        }
        for key, one in list(self._left_out.items()):
            if rows[key[0]].get(key[1]) != one.change.after:
                del self._left_out[key]
        if not self._left_out:
            return table
        return undone(table, {key: one.change for key, one in self._left_out.items()})

    def retry(self, keys: Iterable[Key]) -> None:
        """Send these entities as they are again."""
        for key in keys:
            self._left_out.pop(key, None)

    def _retry_of(self, node: str) -> bool:
        """Send again what a data plane has refused; tell whether there is any."""
        keys = [key for key, one in self._left_out.items() if one.refusal.node == node]
        self.retry(keys)
        return bool(keys)

    def pushed(self, push: Push, number: int, table: Table) -> None:
        """Note what is about to be pushed; ``number`` is the newest release that is in it."""
        self._pushes.pop(push.hash, None)
        self._pushes.pop(ZERO_HASH, None)
        if push.empty:  # Kong's data planes then report zeros
            self._pushes[ZERO_HASH] = _Pushed(number, table)
        self._pushes[push.hash] = _Pushed(number, table)
        while len(self._pushes) > _KEPT:
            del self._pushes[next(iter(self._pushes))]
        self._handled = {one for one in self._handled if one[1] in self._pushes}
        self._handled -= {one for one in self._handled if one[1] == push.hash}
        self._data_planes.forget_refusals(push.hash)
        self._stuck.clear()

    def look(self) -> tuple[list[AwaitedRelease], bool]:
        """Take in what data planes have said.

        Returns the calls that are refused now and to be taken back, and whether there is something
        else to be pushed, since something was left out or is to be tried again.
        """
        connected = self._data_planes.connected()
        # One that is back may have got what it lacked.
        back = [node for node in connected if node not in self._seen and self._retry_of(node)]
        self._seen = set(connected)
        before = len(self._left_out)
        had = [one for one in self._awaited if one.refusals]
        for node in connected:
            contact = self._data_planes.contact(node)
            for digest, reason in list(contact.refusals.items()):
                pushed = self._pushes.get(digest)
                if pushed is not None and (node, digest) not in self._handled:
                    self._handled.add((node, digest))
                    self._blame(node, pushed, reason)
            self._confirm(node)
        for awaited in self._awaited:
            self.look_at(awaited)
        refused = [
            one for one in self._awaited if one.refusals and not one.vouches and one not in had
        ]
        return refused, bool(back) or len(self._left_out) > before

    def look_at(self, awaited: AwaitedRelease) -> None:
        """Bring the verdicts of one call up to date."""
        for node in awaited.nodes:
            known = awaited.verdicts.get(node)
            if known is None or known.status in ("timeout", "incompatible"):
                awaited.verdicts[node] = self._verdict(awaited, node)

    def _confirm(self, node: str) -> None:
        known = self._data_planes.get(node)
        pushed = None if known is None else self._pushes.get(known.config_hash)
        if pushed is None:
            return
        for key, (number, _) in list(self._single.items()):
            if number <= pushed.number and key not in self._left_out:
                del self._single[key]

    def _blame(self, node: str, pushed: _Pushed, reason: str) -> None:
        """Find out whose changes a refusal is about: calls that wait, or what is left out."""
        waiting = [
            one
            for one in self._awaited
            if one.number <= pushed.number and (one.end is None or pushed.number < one.end)
        ]
        blamed = self._suspects(node, pushed, waiting)
        named = _named(reason, {key: change.after for key, change in blamed.items()})
        if named:
            blamed = {key: blamed[key] for key in self._together(named, blamed)}
        elif _in_table(reason, pushed.table):
            blamed = {}  # what was there before, and this data plane never served
        left = dict(blamed)
        refused = False
        for awaited in waiting:
            own = left.keys() & awaited.delta.keys()
            if own:
                refusal = self._refusal(node, pushed, reason, {key: left[key] for key in own})
                awaited.verdicts[node] = Verdict(node, refusal.hostname, "refused", reason)
                left = {key: change for key, change in left.items() if key not in own}
                refused = refused or not awaited.vouches
        if left:
            refusal = self._refusal(node, pushed, reason, left)
            self._left_out |= {key: _LeftOut(change, refusal) for key, change in left.items()}
        elif not refused:
            at_fault = _in_table(reason, pushed.table)
            found = {key: RowChange(None, row) for key, row in at_fault.items()}
            self._stuck[node] = self._refusal(node, pushed, reason, found, False)

    def _note_group(self, delta: Delta) -> None:
        if len(delta) > 1:
            self._groups = [*self._groups[1 - _KEPT :], frozenset(delta)]

    def _together(self, named: set[Key], changes: Delta) -> set[Key]:
        """Return what must be left out along with these, so that nothing is served half.

        That is what was published with them, and what a plugin is for: a route without the
        plugin that guards it would be open.
        """
        found = set(named)
        while True:
            more = set(found)
            for group in self._groups:
                if not found.isdisjoint(group):
                    more |= group & changes.keys()
            for key in found:
                more |= _guarded(key, changes)
            if more == found:
                return found
            found = more

    def _suspects(
        self, node: str, pushed: _Pushed, waiting: list[AwaitedRelease]
    ) -> dict[Key, RowChange]:
        """Return what changed since the configuration that this data plane serves."""
        known = self._data_planes.get(node)
        base = None if known is None else self._pushes.get(known.config_hash)
        if base is not None:
            changes = between(base.table, pushed.table)
        else:
            changes = {
                key: change
                for key, (number, change) in self._single.items()
                if number <= pushed.number and change.after != change.before
            }
        for awaited in waiting:
            if base is None or awaited.vouches:
                changes |= awaited.delta
        return changes

    def _refusal(
        self,
        node: str,
        pushed: _Pushed,
        reason: str,
        changes: Delta,
        served_without: bool = True,
    ) -> Refusal:
        known = self._data_planes.get(node)
        entities = [
            _entity(collection, change.after or change.before or {"id": entity})
            for (collection, entity), change in changes.items()
        ]
        hostname = "" if known is None else known.hostname
        return Refusal(node, hostname, pushed.number, reason, entities, served_without)

    def _verdict(self, awaited: AwaitedRelease, node: str) -> Verdict:
        known, contact = self._data_planes.get(node), self._data_planes.contact(node)
        hostname = known.hostname if known is not None else ""
        if known is not None and self._contains(known.config_hash, awaited):
            return Verdict(node, hostname, "confirmed")
        if contact.withheld is not None and self._contains(contact.withheld[0], awaited):
            own = awaited.vouches or any(name == "plugins" for name, _ in awaited.delta)
            refuses = own and node not in awaited.lacking
            status: Status = "refused" if refuses else "incompatible"
            return Verdict(node, hostname, status, contact.withheld[1])
        if node in self._stuck and self._stuck[node].release >= awaited.number:
            return Verdict(node, hostname, "incompatible", self._stuck[node].text)
        if not contact.sessions:
            return Verdict(node, hostname, "timeout", "disconnected before it confirmed")
        return Verdict(node, hostname, "timeout")

    def _contains(self, digest: str, awaited: AwaitedRelease) -> bool:
        """Tell whether a configuration that was pushed has a call's release in it."""
        pushed = self._pushes.get(digest)
        end = awaited.end
        return (
            pushed is not None
            and pushed.number >= awaited.number
            and (end is None or pushed.number < end)
        )


def _named(reason: str, rows: dict[Key, Row | None]) -> set[Key]:
    """Return the entities that hold what a refusal names: vault references."""
    names = [name.encode() for name in _REFERENCE.findall(reason)]
    found: set[Key] = set()
    for key, row in rows.items():
        text = orjson.dumps(row) if names and row is not None else b""
        if any(name in text for name in names):
            found.add(key)
    return found


def _guarded(key: Key, changes: Delta) -> set[Key]:
    """Return what a plugin is limited to, of what has changed; all of it when to nothing."""
    row = changes[key].after
    if key[0] != "plugins" or row is None:
        return set()
    scopes = {
        (target, row[name])
        for name, target in ENTITIES["plugins"].foreign.items()
        if row.get(name) is not None
    }
    return scopes & changes.keys() if scopes else set(changes)


def _in_table(reason: str, table: Table) -> dict[Key, Row]:
    rows = {(name, row["id"]): row for name, found in table.items() for row in found}
    return {key: rows[key] for key in _named(reason, dict(rows))}


def _entity(collection: str, row: Row) -> dict[str, Any]:
    return {
        "collection": collection,
        "id": row["id"],
        "entity": row_label(ENTITIES[collection], row),
        "owner": owner_of(row),
    }


def _whose(entity: dict[str, Any]) -> str:
    owner = entity["owner"]
    made = "made through the Admin API" if owner is None else f'of owner "{owner}"'
    return f"{entity['entity']} {made}"
