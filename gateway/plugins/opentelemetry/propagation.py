# SPDX-License-Identifier: Apache-2.0
"""How a trace context comes in with a request and goes on with it: extract, clear, inject."""

from __future__ import annotations

from typing import Any

from gateway.http.headers import Headers, spellings
from gateway.http.messages import Request
from gateway.plugins.opentelemetry.formats import HEADERS, READERS, WRITERS, Write
from gateway.plugins.opentelemetry.trace import NO_PARENT, ParentContext, Trace

PRESERVE = "preserve"
_OLD_ORDER = ("b3", "w3c", "jaeger", "ot", "datadog", "aws", "gcp", "instana")
"""In which order ``header_type`` looks, as Kong always did."""


def _injector(form: str) -> tuple[frozenset[bytes], frozenset[bytes], Write]:
    """Return the headers of a format, those that they take the place of, and what writes them."""
    own = frozenset({b"b3"}) if form == "b3-single" else HEADERS[form] - {b"b3", b"tracestate"}
    return own, frozenset(spelling for name in own for spelling in spellings(name)), WRITERS[form]


_INJECTORS = {form: _injector(form) for form in WRITERS}


class Propagation:
    """The settings of one use of the plugin, ready to be applied."""

    def __init__(self, config: Any) -> None:
        extract, inject, clear, default = _settings(config)
        self._readers = tuple((name, HEADERS[name], READERS[name]) for name in extract)
        self._wanted = frozenset(name for form in extract for name in HEADERS[form])
        self._injects = tuple(inject)
        self._default = default
        self._cleared = frozenset(
            spelling for name in clear for spelling in spellings(name.lower().encode())
        )
        only_w3c = inject == ["w3c"] or (inject == [PRESERVE] and default == "w3c")
        # Only a traceparent came, or nothing, and one header goes on.
        self.short = only_w3c and not clear and "w3c" in extract
        first = extract.index("w3c") if self.short else 0
        state = {b"traceparent", b"tracestate"}
        self.before = frozenset(state.union(*(HEADERS[form] for form in extract[:first])))
        """Names that say something beside a traceparent."""
        self.behind = self._wanted - self.before
        """Names that do where there is none."""

    def extract(self, request: Request) -> tuple[str, ParentContext]:
        """Return the format that the first context was found in, and the context."""
        wanted = self._wanted
        found: dict[bytes, str] = {}
        for name, value in request.headers:
            if name in wanted:
                # A context that comes twice is none (W3C Trace Context section 3.2).
                found[name] = "" if name in found else value.decode("latin-1").strip()
        if found:
            for form, names, read in self._readers:
                context = None if names.isdisjoint(found) else read(found)
                if context is not None:
                    return form, context
        return "", NO_PARENT

    def inject(self, request: Request, trace: Trace, form: str, *, single: bool) -> list[str]:
        """Clear what is to go, set what goes on; return the formats of it."""
        if self._cleared:
            cleared = self._cleared
            request.headers = [pair for pair in request.headers if pair[0] not in cleared]
        chosen: list[str] = []
        for name in self._injects:
            if name == PRESERVE:
                name = form or self._default
                if name == "b3" and single:
                    name = "b3-single"
            if name not in chosen:
                chosen.append(name)
        written: Headers = []
        for name in chosen:
            own, taken, write = _INJECTORS[name]
            headers = write(trace)
            request.headers = [pair for pair in request.headers if pair[0] not in taken] + headers
            request.own_headers |= own
            written += headers
        state = request.header(b"tracestate") if "w3c" in chosen and trace.parent else None
        trace.injected = written if state is None else [*written, (b"tracestate", state)]
        return chosen


def _settings(config: Any) -> tuple[list[str], list[str], list[str], str]:
    """Return what to extract, inject and clear, and the default format."""
    found = config.propagation
    default = found.default_format
    if found.extract is not None or found.inject is not None or found.clear is not None:
        return found.extract or [], found.inject or [], found.clear or [], default
    kind = config.header_type
    if kind == "ignore":
        return [], [default], [], default
    inject = [PRESERVE] if kind == PRESERVE else [PRESERVE, kind]
    return list(_OLD_ORDER), inject, [], default
