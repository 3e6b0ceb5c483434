# SPDX-License-Identifier: Apache-2.0
"""What the records of a topic say about keys: every node that reads them comes to the same.

A *claim* names the claim that it follows. In the order of the log it holds if its key has none, if
the one that the key has is over by the record's own time, or if it names that one. Of two that
follow the same one, the later does not hold, so all who read agree on who began. An *answer* names
its claim, which may be any that the key has had.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_KEYS = 250_000
"""Keys of one window at most, in each worker's memory: half a kilobyte each."""
_OUT_OF_STEP = 300.0
"""Seconds by which the timestamps of records may be out of order."""
_ANSWER = b"A"
"""First byte of an answer's record; a claim's is that of a JSON object."""


_CLAIM = {"claim": str, "after": str, "mark": str, "identity": str, "exact": bool}
_RELEASE = {"release": str}
"""The fields of the records, and their types."""


@dataclass(slots=True)
class Held:
    """The claim that a key has. ``tokens``: of all its claims, the last one's at the end."""

    at: float
    mark: str
    identity: str
    exact: bool
    tokens: list[str] = field(default_factory=list)
    released: bool = False

    @property
    def token(self) -> str:
        """The claim's own."""
        return self.tokens[-1]


def claim_record(token: str, after: str, mark: str, identity: str, *, exact: bool) -> bytes:
    """Return the value of a claim's record; ``after``: the token of the one it follows."""
    return orjson.dumps(
        {"claim": token, "after": after, "mark": mark, "identity": identity, "exact": exact}
    )


def release_record(token: str) -> bytes:
    """Return the value of the record that ends a claim without an answer."""
    return orjson.dumps({"release": token})


def answer_record(token: str, answer: bytes) -> bytes:
    """Return the value of an answer's record."""
    return _ANSWER + bytes.fromhex(token) + answer


def claim_of(value: bytes) -> dict[str, Any] | None:
    """Return what a claim's or release's record says; None for any other.

    Others may write to the topic as well, by mistake.
    """
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    kinds = {name: type(one) for name, one in found.items()}
    return found if kinds in (_CLAIM, _RELEASE) else None


class Claims:
    """``window``: seconds for which claims and answers count. ``most``: bytes of answers."""

    def __init__(self, window: float, most: int) -> None:
        self._window = window
        self._most = most
        self._size = 0
        self._held: OrderedDict[bytes, Held] = OrderedDict()
        self._answers: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def claim(self, key: bytes, at: float, said: dict[str, Any]) -> bool:
        """Take a claim or release in the order of the log; tell whether it holds."""
        self._expire(at)
        held = self._held.get(key)
        if held is not None and at >= held.at + self._window:
            held = None
        if "release" in said:
            if held is not None and held.token == said["release"]:
                held.released = True
                return True
            return False
        if held is not None and said["after"] != held.token:
            return False
        tokens = [] if held is None else held.tokens
        new = Held(at, said["mark"], said["identity"], said["exact"], [*tokens, said["claim"]])
        self._held[key] = new
        self._held.move_to_end(key)
        if len(self._held) > MOST_KEYS:
            # Of what is there longest nobody asks any more, most likely.
            self._held.popitem(last=False)
        return True

    def answer(self, at: float, value: bytes) -> None:
        """Take an answer's record, maybe before its claim."""
        if value[:1] != _ANSWER:
            return
        token, content = value[1:17].hex(), value[17:]
        self._answers[token] = at, content
        self._size += len(content)
        self._shrink()

    def held(self, key: bytes, now: float) -> Held | None:
        """Return the claim of a key, unless it is over."""
        held = self._held.get(key)
        return None if held is None or now >= held.at + self._window else held

    def answer_to(self, held: Held) -> bytes | None:
        """Return the answer to any of a key's claims."""
        for token in held.tokens:
            found = self._answers.get(token)
            if found is not None:
                return found[1]
        return None

    def _expire(self, now: float) -> None:
        """Forget what is over, the oldest first; records are a little out of order at most."""
        over = now - self._window - _OUT_OF_STEP
        while self._held and next(iter(self._held.values())).at < over:
            self._held.popitem(last=False)
        while self._answers and next(iter(self._answers.values()))[0] < over:
            _, (_, content) = self._answers.popitem(last=False)
            self._size -= len(content)

    def _shrink(self) -> None:
        """Keep only the mark of the oldest answers when all are too large."""
        for token, (at, content) in self._answers.items():
            if self._size <= self._most:
                return
            short = shortened(content)
            self._size += len(short) - len(content)
            self._answers[token] = at, short


def shortened(answer: bytes) -> bytes:
    """Return an answer that only says that there was one (see ``answers.unpack``)."""
    head = orjson.dumps([0, [], False, False])
    return answer[:32] + len(head).to_bytes(4, "big") + head
