# SPDX-License-Identifier: Apache-2.0
"""The secrets of one node: fetched, kept for their time, and used for longer where a vault is gone.

One secret that several references take members of is fetched once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import VaultError
from gateway.vaults.backend import Backend, FetchedSecret, Surroundings
from gateway.vaults.kinds import backend, configured
from gateway.vaults.references import Reference, as_text, decoded, member

_AT_ONCE = 8
"""Secrets that are fetched at the same time."""
_AGAIN = 5.0
"""Seconds until a secret that could not be fetched anew is tried again, at least."""

Identity = tuple[str, str]
"""Kind and settings of a vault: equal ones share its token."""


@dataclass(frozen=True)
class _Place:
    """Where a reference points: which vault, and what in it."""

    vault: Identity = field(repr=False)
    resource: str
    version: int | None
    part: str | None
    """The key, for vaults that may keep members apart."""


@dataclass
class _Known:
    """A secret at hand, or why there is none. Times are monotonic seconds."""

    secret: FetchedSecret | None = None
    problem: str = ""
    due: float = math.inf
    """When to fetch it."""
    usable_until: float = math.inf
    """How long ``secret`` serves when no other can be had."""


@dataclass
class Resolved:
    """The values by reference, and why the others have none."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    problems: dict[str, str] = field(default_factory=dict)
    due: float = math.inf
    """In how many seconds to look again."""


class Secrets:
    """Keeps what the references of a configuration need, and nothing else.

    ``resolve`` blocks while vaults are asked; one thread at a time may call it.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[str, Any, Surroundings], Backend] = backend,
    ) -> None:
        self.surroundings = surroundings
        self._clock = clock
        self._make = make
        self._vaults: dict[Identity, Backend] = {}
        self._entries: dict[_Place, _Known] = {}

    def expire(self) -> None:
        """Have every secret fetched anew; what is at hand stays for when that fails."""
        for entry in self._entries.values():
            entry.due = -math.inf
        self._vaults.clear()

    def resolve(self, vaults: Mapping[str, Mapping[str, Any]], wanted: Iterable[str]) -> Resolved:
        """Return the values of references. ``vaults`` are the configuration's rows by prefix."""
        found = Resolved()
        places: dict[str, tuple[Reference, _Place, Any]] = {}
        for text in sorted(wanted):
            try:
                places[text] = self._place(text, vaults)
            except VaultError as error:
                found.problems[text] = str(error)
        self._fetch(places.values())
        for text, (reference, place, config) in places.items():
            entry = self._entries[place]
            value = _value(entry.secret, reference, config)
            if value is not None:
                found.values[text] = value
            else:
                found.problems[text] = entry.problem or "the secret has no such key, or no text"
        if not found.problems:
            self._forget({place for _, place, _ in places.values()})
        found.due = self._next()
        return found

    def _place(
        self, text: str, vaults: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Reference, _Place, Any]:
        reference = Reference.parse(text)
        if reference is None:
            raise VaultError("it is malformed; expected {vault://vault/path/key}")
        kind, config = configured(
            reference.vault, vaults, reference.options, self.surroundings.environment
        )
        identity = kind, config.model_dump_json(exclude={"ttl", "neg_ttl", "resurrect_ttl"})
        if identity not in self._vaults:
            self._vaults[identity] = self._make(kind, config, self.surroundings)
        part = reference.key if kind == "file" else None
        return reference, _Place(identity, reference.resource, reference.version, part), config

    def _fetch(self, wanted: Iterable[tuple[Reference, _Place, Any]]) -> None:
        now = self._clock()
        shortest: dict[_Place, Any] = {}
        for _, place, config in wanted:
            known = shortest.get(place)
            if known is None or _ttl(config) < _ttl(known):
                shortest[place] = config
        due = [
            (place, config)
            for place, config in shortest.items()
            if self._entries.setdefault(place, _Known(due=-math.inf)).due <= now
        ]
        if not due:
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(due)), "vault") as threads:
            for entry, config, outcome in threads.map(self._ask, *zip(*due, strict=True)):
                _take(entry, config, outcome, self._clock())

    def _ask(self, place: _Place, config: Any) -> tuple[_Known, Any, FetchedSecret | VaultError]:
        outcome: FetchedSecret | VaultError
        try:
            outcome = self._vaults[place.vault].fetch(place.resource, place.part, place.version)
        except VaultError as error:
            outcome = error
        return self._entries[place], config, outcome

    def _forget(self, used: set[_Place]) -> None:
        self._entries = {place: entry for place, entry in self._entries.items() if place in used}
        vaults = {place.vault for place in used}
        self._vaults = {name: vault for name, vault in self._vaults.items() if name in vaults}

    def _next(self) -> float:
        """Return in how many seconds the first secret or token is due."""
        now = self._clock()
        due = min((entry.due for entry in self._entries.values()), default=math.inf) - now
        tended = [after for vault in self._vaults.values() if (after := vault.tend()) is not None]
        return max(min([due, *tended]), 0.0)


def _take(entry: _Known, config: Any, outcome: FetchedSecret | VaultError, now: float) -> None:
    """Keep what a vault gave, or go on with the old secret while it may still be used."""
    if isinstance(outcome, FetchedSecret):
        life = _ttl(config)
        if life == math.inf and outcome.life is not None:
            life = outcome.life
        entry.secret, entry.problem, entry.due = outcome, "", now + life
        stale = getattr(config, "resurrect_ttl", None)
        entry.usable_until = now + life + (stale or 0.0)
        return
    entry.problem = str(outcome)
    negative = getattr(config, "neg_ttl", None) or 0.0
    entry.due = now + max(negative, _AGAIN if entry.secret is not None else 0.0)
    if now > entry.usable_until:
        entry.secret = None


def _ttl(config: Any) -> float:
    return float(getattr(config, "ttl", None) or math.inf)


def _value(secret: FetchedSecret | None, reference: Reference, config: Any) -> str | None:
    if secret is None:
        return None
    content = secret.content
    if isinstance(content, str):
        found = member(content, reference.key)
    elif reference.key is not None:
        found = as_text(content.get(reference.key))
    else:
        found = _whole(content)
    return decoded(found) if config.base64_decode else found


def _whole(content: Mapping[str, Any]) -> str | None:
    """Return an object that no key picks from as JSON, as Kong does."""
    return orjson.dumps(content).decode() or None
