# SPDX-License-Identifier: Apache-2.0
"""What data planes say of configurations, and whose changes it is about.

A data plane takes or refuses a configuration as a whole. Here a refusal is brought back to what
changed since the configuration which that data plane serves: a publishing call that waits for it
is refused; other changes are *left out*, which means that data planes are sent those entities as
they were before, until somebody changes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.rollout import Status, Verdict
from gateway.control_plane.delta import Delta, Key, RowChange, between
from gateway.control_plane.partials import with_partials
from gateway.control_plane.refusals import LeftOut, Refusal, entity_of, named, named_in
from gateway.entities import ENTITIES
from gateway.entities.checks import Table
from gateway.hybrid.config_hash import ZERO_HASH

_KEPT = 32
"""Configurations pushed last whose content is kept, to compare with."""


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


class Judge:
    """Lives on one event loop; none of the methods block."""

    def __init__(self, data_planes: DataPlanes) -> None:
        self._data_planes = data_planes
        self._pushes: dict[str, _Pushed] = {}
        self._handled: set[tuple[str, str]] = set()
        self.left_out = LeftOut()
        self._stuck: dict[str, Refusal] = {}
        self._awaited: list[AwaitedRelease] = []
        self._seen: set[str] = set()
        self._groups: list[frozenset[Key]] = []
        self._single: dict[Key, tuple[int, RowChange]] = {}

    @property
    def refusals(self) -> list[Refusal]:
        """The refusals that stand: of what is left out, and of data planes left behind."""
        connected = self._data_planes.connected()
        return [
            *self.left_out.refusals,
            *(one for node, one in self._stuck.items() if node in connected),
        ]

    def release_of(self, config_hash: str) -> int | None:
        """Return the release that was pushed under a hash; None if that is too long ago."""
        pushed = self._pushes.get(config_hash)
        return None if pushed is None else pushed.number

    def refusal_of(self, collection: str, entity: str) -> Refusal | None:
        """Return the refusal of an entity, if it is left out."""
        return self.left_out.refusal_of((collection, entity))

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

        What was changed since it was refused is tried again.
        """
        self.retry(self.left_out.changed(table))
        return self.left_out.applied(table)

    def retry(self, keys: Iterable[Key]) -> None:
        """Send these entities as they are again, and what was refused along with them."""
        self._suspect_again(self.left_out.take(keys))

    def _suspect_again(self, taken: list[tuple[Refusal, dict[Key, RowChange]]]) -> bool:
        for refusal, delta in taken:
            self._note_group(delta)
            self._single |= {key: (refusal.release, change) for key, change in delta.items()}
        return bool(taken)

    def pushed(self, push: Push, number: int, table: Table) -> None:
        """Note what is about to be pushed; ``number`` is the newest release that is in it."""
        # Without the indexes of its rows, which nobody needs here.
        table = {name: list(rows) for name, rows in table.items()}
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
        new = [node for node in connected if node not in self._seen]
        back = [node for node in new if self._suspect_again(self.left_out.take_of(node))]
        self._seen = set(connected)
        before = self.left_out.edition
        had = [one for one in self._awaited if one.refusals]
        for node in connected:
            contact = self._data_planes.contact(node)
            for digest, reason in list(contact.refusals.items()):
                pushed = self._pushes.get(digest)
                if pushed is not None and (node, digest) not in self._handled:
                    self._handled.add((node, digest))
                    self._blame(node, pushed, reason)
        self._confirm(connected)
        for awaited in self._awaited:
            self.look_at(awaited)
        refused = [
            one for one in self._awaited if one.refusals and not one.vouches and one not in had
        ]
        return refused, bool(back) or self.left_out.edition > before

    def look_at(self, awaited: AwaitedRelease) -> None:
        """Bring the verdicts of one call up to date."""
        for node in awaited.nodes:
            known = awaited.verdicts.get(node)
            if known is None or known.status in ("timeout", "incompatible"):
                awaited.verdicts[node] = self._verdict(awaited, node)

    def _confirm(self, connected: Iterable[str]) -> None:
        """Forget the single writes that a data plane has taken."""
        known = [self._data_planes.get(node) for node in connected]
        pushes = [self._pushes.get(one.config_hash) for one in known if one is not None]
        taken = max((one.number for one in pushes if one is not None), default=0)
        for key, (number, _) in list(self._single.items()):
            if number <= taken and key not in self.left_out:
                del self._single[key]

    def _blame(self, node: str, pushed: _Pushed, reason: str) -> None:
        """Find out whose changes a refusal is about: calls that wait, or what is left out."""
        waiting = [
            one
            for one in self._awaited
            if one.number <= pushed.number and (one.end is None or pushed.number < one.end)
        ]
        blamed = self._suspects(node, pushed, waiting)
        rows = {key: with_partials(pushed.table, one.after) for key, one in blamed.items()}
        found_named = named(reason, rows)
        if found_named:
            blamed = {key: blamed[key] for key in self._together(found_named, blamed)}
        elif named_in(reason, pushed.table):
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
            self.left_out.add(left, refusal)
        elif not refused:
            at_fault = named_in(reason, pushed.table)
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
            entity_of(collection, change.after or change.before or {"id": entity})
            for (collection, entity), change in changes.items()
        ]
        hostname = "" if known is None else known.hostname
        return Refusal(node, hostname, pushed.number, reason, entities, served_without)

    def standing(self, node: str) -> tuple[int, tuple[int, str] | None]:
        """Return the newest release that is in what a data plane serves, 0 when that is unknown.

        And what it is not served, with the reason: what other control planes are told of it.
        """
        known, contact = self._data_planes.get(node), self._data_planes.contact(node)
        served = None if known is None else self.release_of(known.config_hash)
        problem = None
        if contact.withheld is not None and contact.withheld[0] in self._pushes:
            problem = self._pushes[contact.withheld[0]].number, contact.withheld[1]
        elif node in self._stuck:
            problem = self._stuck[node].release, self._stuck[node].text
        return served or 0, problem

    def _verdict_elsewhere(self, awaited: AwaitedRelease, known: DataPlane) -> Verdict:
        """Judge by what another control plane has written of a data plane that it serves."""
        for refusal in self.left_out.refusals:
            named = {(one["collection"], one["id"]) for one in refusal.entities}
            own = not named.isdisjoint(awaited.delta)
            if refusal.node == known.id and refusal.release >= awaited.number and own:
                return Verdict(known.id, known.hostname, "refused", refusal.reason)
        end = awaited.end
        if awaited.number <= known.release and (end is None or known.release < end):
            return Verdict(known.id, known.hostname, "confirmed")
        if known.problem is not None and known.problem[0] >= awaited.number:
            return Verdict(known.id, known.hostname, "incompatible", known.problem[1])
        return Verdict(known.id, known.hostname, "timeout")

    def _verdict(self, awaited: AwaitedRelease, node: str) -> Verdict:
        known, contact = self._data_planes.get(node), self._data_planes.contact(node)
        if known is not None and self._data_planes.is_elsewhere(known):
            return self._verdict_elsewhere(awaited, known)
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
