# SPDX-License-Identifier: Apache-2.0
"""Trace contexts in request headers, in the formats that Kong knows.

Each format has a function that reads it, None where it is not there or is no context, and one that
writes it. Ids are padded with zeros on the left or cut to what a format holds. Sources: W3C Trace
Context level 1; OpenZipkin's b3-propagation; the pages of Jaeger, OpenTracing's basictracer, AWS
X-Ray, Google Cloud Trace, Datadog and Instana; and what Kong's propagation accepts of them (3.10).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gateway.http.headers import Headers
from gateway.plugins.opentelemetry.trace import ParentContext, Trace

Found = Mapping[bytes, str]
"""The values of the headers that a format may have, by lower-case name; the first of each."""
Read = Callable[[Found], ParentContext | None]
Write = Callable[[Trace], Headers]

_ZERO = "0"
_hex = re.compile(r"[0-9a-fA-F]{1,32}").fullmatch
_w3c = re.compile(r"00-([0-9a-fA-F]{32})-([0-9a-fA-F]{16})-([0-9a-fA-F]{2})").fullmatch
_aws = re.compile(r"1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})").fullmatch
_gcp = re.compile(r"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]))?").fullmatch
_decimal = re.compile(r"[0-9]{1,20}").fullmatch
_DECISIONS = {"1": True, "true": True, "d": True, "0": False, "false": False}
_MOST = 1 << 64


def read_w3c(found: Found) -> ParentContext | None:
    """Read ``traceparent`` of version 00."""
    match = _w3c(found.get(b"traceparent", ""))
    if match is None:
        return None
    return _context(match[1], match[2], bool(int(match[3], 16) & 1))


def write_w3c(trace: Trace) -> Headers:
    """Write ``traceparent``; ``tracestate`` goes on as the client sent it."""
    flag = b"01" if trace.sampled else b"00"
    return [(b"traceparent", b"-".join((b"00", trace.number, trace.span, flag)))]


def read_b3(found: Found) -> ParentContext | None:
    """Read the headers ``x-b3-…``, the single header ``b3``, or ``b3`` in ``tracestate``."""
    single = found.get(b"b3") or _in_tracestate(found.get(b"tracestate", ""))
    if single:
        context = _read_b3_single(single)
        if context is not None:
            return context
    sampled = _DECISIONS.get(found.get(b"x-b3-sampled", "").lower())
    if found.get(b"x-b3-flags") == "1":
        sampled = True
    number = found.get(b"x-b3-traceid", "")
    if len(number) in (16, 32):
        context = _context(number, found.get(b"x-b3-spanid", ""), sampled)
        if context is not None:
            return context
    return None if sampled is None else ParentContext(sampled=sampled)


def _read_b3_single(text: str) -> ParentContext | None:
    if text.lower() in ("0", "1", "d"):
        return ParentContext(sampled=text != "0", single=True)
    parts = text.split("-")
    if not 2 <= len(parts) <= 4 or len(parts[0]) not in (16, 32) or len(parts[1]) != 16:
        return None
    sampled = _DECISIONS.get(parts[2]) if len(parts) > 2 else None
    context = _context(parts[0], parts[1], sampled)
    return None if context is None else context._replace(single=True)


def _in_tracestate(text: str) -> str:
    for member in text.split(","):
        name, _, value = member.strip().partition("=")
        if name == "b3":
            return value
    return ""


def write_b3(trace: Trace) -> Headers:
    """Write the headers ``x-b3-…``."""
    written = [
        (b"x-b3-traceid", trace.number),
        (b"x-b3-spanid", trace.span),
        (b"x-b3-sampled", b"1" if trace.sampled else b"0"),
    ]
    if trace.parent:
        written.append((b"x-b3-parentspanid", trace.parent))
    return written


def write_b3_single(trace: Trace) -> Headers:
    """Write the single header ``b3``."""
    parts = [trace.number, trace.span, b"1" if trace.sampled else b"0"]
    return [(b"b3", b"-".join([*parts, trace.parent] if trace.parent else parts))]


def read_jaeger(found: Found) -> ParentContext | None:
    """Read ``uber-trace-id``."""
    parts = found.get(b"uber-trace-id", "").replace("%3A", ":").split(":")
    if len(parts) != 4 or not _hex(parts[3]):
        return None
    return _context(parts[0], parts[1], bool(int(parts[3], 16) & 1))


def write_jaeger(trace: Trace) -> Headers:
    """Write ``uber-trace-id``."""
    flag = b"01" if trace.sampled else b"00"
    parts = trace.number, trace.span, trace.parent or b"0", flag
    return [(b"uber-trace-id", b":".join(parts))]


def read_ot(found: Found) -> ParentContext | None:
    """Read the headers ``ot-tracer-…``."""
    sampled = _DECISIONS.get(found.get(b"ot-tracer-sampled", "").lower())
    number = found.get(b"ot-tracer-traceid", "")
    return _context(number, found.get(b"ot-tracer-spanid", ""), sampled)


def write_ot(trace: Trace) -> Headers:
    """Write the headers ``ot-tracer-…``, whose trace id has half the length."""
    return [
        (b"ot-tracer-traceid", trace.number[16:]),
        (b"ot-tracer-spanid", trace.span),
        (b"ot-tracer-sampled", b"1" if trace.sampled else b"0"),
    ]


def read_datadog(found: Found) -> ParentContext | None:
    """Read the headers ``x-datadog-…``, whose ids are decimal."""
    number = _from_decimal(found.get(b"x-datadog-trace-id", ""))
    if not number:
        return None
    priority = found.get(b"x-datadog-sampling-priority", "")
    sampled = {"2": True, "1": True, "0": False, "-1": False}.get(priority)
    return _context(number, _from_decimal(found.get(b"x-datadog-parent-id", "")), sampled)


def write_datadog(trace: Trace) -> Headers:
    """Write the headers ``x-datadog-…``; the trace id is cut to 64 bits."""
    return [
        (b"x-datadog-trace-id", b"%d" % int(trace.number[16:], 16)),
        (b"x-datadog-parent-id", b"%d" % int(trace.span, 16)),
        (b"x-datadog-sampling-priority", b"1" if trace.sampled else b"0"),
    ]


def read_aws(found: Found) -> ParentContext | None:
    """Read ``x-amzn-trace-id``."""
    fields = {}
    for part in found.get(b"x-amzn-trace-id", "").split(";"):
        name, _, value = part.strip().partition("=")
        fields[name.lower()] = value.strip()
    match = _aws(fields.get("root", ""))
    if match is None:
        return None
    sampled = _DECISIONS.get(fields.get("sampled", ""))
    return _context(match[1] + match[2], fields.get("parent", ""), sampled)


def write_aws(trace: Trace) -> Headers:
    """Write ``x-amzn-trace-id``."""
    root = b"Root=1-%b-%b" % (trace.number[:8], trace.number[8:])
    text = b"%b;Parent=%b;Sampled=%d" % (root, trace.span, trace.sampled)
    return [(b"x-amzn-trace-id", text)]


def read_gcp(found: Found) -> ParentContext | None:
    """Read ``x-cloud-trace-context``, whose span id is decimal."""
    match = _gcp(found.get(b"x-cloud-trace-context", ""))
    if match is None:
        return None
    sampled = None if match[3] is None else match[3] == "1"
    return _context(match[1], _from_decimal(match[2] or ""), sampled)


def write_gcp(trace: Trace) -> Headers:
    """Write ``x-cloud-trace-context``."""
    text = b"%b/%d;o=%d" % (trace.number, int(trace.span, 16), trace.sampled)
    return [(b"x-cloud-trace-context", text)]


def read_instana(found: Found) -> ParentContext | None:
    """Read the headers ``x-instana-…``."""
    level = found.get(b"x-instana-l", "")[:1]
    sampled = {"1": True, "0": False}.get(level)
    context = _context(found.get(b"x-instana-t", ""), found.get(b"x-instana-s", ""), sampled)
    if context is None and sampled is False:
        return ParentContext(sampled=False)
    return context


def write_instana(trace: Trace) -> Headers:
    """Write the headers ``x-instana-…``."""
    return [
        (b"x-instana-t", trace.number),
        (b"x-instana-s", trace.span),
        (b"x-instana-l", b"1" if trace.sampled else b"0"),
    ]


READERS: dict[str, Read] = {
    "w3c": read_w3c,
    "b3": read_b3,
    "jaeger": read_jaeger,
    "ot": read_ot,
    "datadog": read_datadog,
    "aws": read_aws,
    "gcp": read_gcp,
    "instana": read_instana,
}
WRITERS: dict[str, Write] = {
    "w3c": write_w3c,
    "b3": write_b3,
    "b3-single": write_b3_single,
    "jaeger": write_jaeger,
    "ot": write_ot,
    "datadog": write_datadog,
    "aws": write_aws,
    "gcp": write_gcp,
    "instana": write_instana,
}
HEADERS: dict[str, frozenset[bytes]] = {
    "w3c": frozenset({b"traceparent"}),
    "b3": frozenset(
        {
            b"b3",
            b"tracestate",
            b"x-b3-traceid",
            b"x-b3-spanid",
            b"x-b3-parentspanid",
            b"x-b3-sampled",
            b"x-b3-flags",
        }
    ),
    "jaeger": frozenset({b"uber-trace-id"}),
    "ot": frozenset({b"ot-tracer-traceid", b"ot-tracer-spanid", b"ot-tracer-sampled"}),
    "datadog": frozenset(
        {b"x-datadog-trace-id", b"x-datadog-parent-id", b"x-datadog-sampling-priority"}
    ),
    "aws": frozenset({b"x-amzn-trace-id"}),
    "gcp": frozenset({b"x-cloud-trace-context"}),
    "instana": frozenset({b"x-instana-t", b"x-instana-s", b"x-instana-l"}),
}
"""What each format reads."""


def _context(number: str, span: str, sampled: bool | None) -> ParentContext | None:
    """Return a context of full length; None where the trace id is none."""
    if not _hex(number) or not number.strip(_ZERO):
        return None
    if not _hex(span) or len(span) > 16 or not span.strip(_ZERO):
        span = ""
    whole = span.lower().zfill(16) if span else ""
    return ParentContext(number.lower().zfill(32).encode(), whole.encode(), sampled)


def _from_decimal(text: str) -> str:
    """Return a decimal id of 64 bits in hex; empty where it is none."""
    if not _decimal(text):
        return ""
    value = int(text)
    return f"{value:016x}" if value < _MOST else ""
