# SPDX-License-Identifier: Apache-2.0
"""Route regexes: RE2, so that no pattern and no path can make a match take long.

RE2 and the Rust engine of Kong's router share their syntax; neither has look-around or
back-references. Patterns are compiled with one group around the whole: RE2 then matches short,
unambiguous patterns without building an automaton per pattern, which is what keeps ten thousand
of them small in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2
from re2 import _re2  # its generator-based Match costs several times what the search itself does

from gateway.errors import ReleaseRefused

_START = _re2.RE2.Anchor.ANCHOR_START
_ANYWHERE = _re2.RE2.Anchor.UNANCHORED
_NO_SPAN = (-1, -1)
_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Pattern:
    """One compiled regex, matched against bytes from their start (or anywhere, for headers).

    Raises ``ReleaseRefused`` for a pattern that validation should have refused.
    """

    __slots__ = ("_anchor", "_match", "_names", "_regexp", "groups", "source")

    def __init__(self, pattern: str, *, anchored: bool = True) -> None:
        self.source = pattern
        self._regexp = _compiled(pattern)
        self._match: Any = self._regexp._regexp.Match
        self._anchor = _START if anchored else _ANYWHERE
        self._names = [(name.decode(), at) for name, at in self._regexp.groupindex.items()]
        self.groups = self._regexp.groups - 1

    def spans(self, text: bytes) -> list[tuple[int, int]] | None:
        """Return the spans of the match (the whole first, then itself again, then the groups)."""
        found: list[tuple[int, int]] = self._match(self._anchor, text, 0, len(text))
        return None if found[0] == _NO_SPAN else found

    def captures(self, text: bytes, spans: Sequence[tuple[int, int]]) -> dict[str, bytes | None]:
        """Return the groups by number ("1", "2", …) and by name; unmatched ones are None."""
        values = [None if span == _NO_SPAN else text[span[0] : span[1]] for span in spans[1:]]
        found = {str(at): value for at, value in enumerate(values) if at}
        found.update((name, values[at - 1]) for name, at in self._names)
        return found


class PatternSet:
    """Many regexes matched in one pass over a path."""

    __slots__ = ("_all", "_set")

    def __init__(self, patterns: Sequence[str]) -> None:
        options = _quiet()
        options.max_mem = min(64 << 20, (8 << 20) + len(patterns) * 8192)
        options.never_capture = True
        self._all = range(len(patterns))
        found = re2.Set.MatchSet(options)
        for pattern in (*patterns, ""):
            found.Add(pattern.encode())
        try:
            found.Compile()
        except re2.error:  # too large together for its memory: try them one by one
            found = None
        self._set: Any = found

    def matching(self, text: bytes) -> Sequence[int]:
        """Return the positions of the patterns worth trying, in order."""
        found = self._set.Match(text) if self._set is not None else None
        if found is None:
            # Not even the empty pattern, which is in every set, has matched: out of memory.
            return self._all
        return sorted(found)[:-1]


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _compiled(pattern: str) -> Any:
    """Compile a regex on its own first, since parentheses around it could make good of bad."""
    try:
        if ")" in pattern:
            re2._Regexp(pattern.encode(), _quiet())
        return re2._Regexp(f"({pattern})".encode(), _quiet())
    except re2.error as error:
        for opening in _LOOK_AROUND:
            if opening in pattern:
                reason = f"look-around '{opening}' cannot be matched in linear time"
                break
        else:
            reason = error.args[0].decode(errors="replace")
        raise ReleaseRefused([f"invalid regex: '{pattern}' ({reason})"]) from error
