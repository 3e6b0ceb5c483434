# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.opentelemetry.formats import HEADERS, READERS, WRITERS
from gateway.plugins.opentelemetry.trace import ParentContext, Trace

T16, T32, S = "a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WHOLE, PADDED = T32.encode(), b"0" * 16 + T16.encode()
ONE = ParentContext(WHOLE, S.encode(), True)
NONE_SAID = ONE._replace(sampled=None)


@pytest.mark.parametrize(
    ("form", "headers", "found"),
    [
        ("w3c", {"traceparent": f"00-{T32}-{S}-01"}, ONE),
        ("w3c", {"traceparent": f"00-{T32}-{S}-00"}, ONE._replace(sampled=False)),
        ("w3c", {"traceparent": f"00-{T32}-{S}-03"}, ONE),
        ("w3c", {"traceparent": f"01-{T32}-{S}-01"}, None),
        ("w3c", {"traceparent": f"00-{T32}-{S}-01-x"}, None),
        ("w3c", {"traceparent": f"00-{'0' * 32}-{S}-01"}, None),
        ("w3c", {"traceparent": f"00-{T32[1:]}-{S}-01"}, None),
        ("w3c", {"traceparent": ""}, None),
        ("w3c", {}, None),
        ("b3", {"x-b3-traceid": T32, "x-b3-spanid": S, "x-b3-sampled": "1"}, ONE),
        ("b3", {"x-b3-traceid": T32, "x-b3-spanid": S, "x-b3-flags": "1"}, ONE),
        ("b3", {"x-b3-traceid": T32, "x-b3-spanid": S}, NONE_SAID),
        ("b3", {"x-b3-traceid": T16, "x-b3-spanid": S}, NONE_SAID._replace(trace=PADDED)),
        ("b3", {"x-b3-traceid": "xyz"}, None),
        ("b3", {"x-b3-sampled": "false"}, ParentContext(sampled=False)),
        ("b3", {"b3": f"{T32}-{S}-1"}, ONE._replace(single=True)),
        ("b3", {"b3": f"{T32}-{S}"}, NONE_SAID._replace(single=True)),
        ("b3", {"b3": f"{T32}-{S}-d-{S}"}, ONE._replace(single=True)),
        ("b3", {"b3": "0"}, ParentContext(sampled=False, single=True)),
        ("b3", {"b3": "x"}, None),
        ("b3", {"tracestate": f"a=1, b3={T32}-{S}-1"}, ONE._replace(single=True)),
        ("jaeger", {"uber-trace-id": f"{T32}:{S}:0:1"}, ONE),
        ("jaeger", {"uber-trace-id": f"{T32}%3A{S}%3A0%3A1"}, ONE),
        ("jaeger", {"uber-trace-id": f"{T16}:{S}:0:0"}, ParentContext(PADDED, ONE.span, False)),
        ("jaeger", {"uber-trace-id": f"{T32}:{S}:0"}, None),
        ("ot", {"ot-tracer-traceid": T32, "ot-tracer-spanid": S, "ot-tracer-sampled": "true"}, ONE),
        ("ot", {"ot-tracer-spanid": S}, None),
        (
            "datadog",
            {
                "x-datadog-trace-id": str(int(T16, 16)),
                "x-datadog-parent-id": str(int(S, 16)),
                "x-datadog-sampling-priority": "2",
            },
            ONE._replace(trace=PADDED),
        ),
        ("datadog", {"x-datadog-trace-id": "1" * 21}, None),
        ("datadog", {"x-datadog-trace-id": "0"}, None),
        ("aws", {"x-amzn-trace-id": f"Root=1-{T32[:8]}-{T32[8:]};Parent={S};Sampled=1"}, ONE),
        ("aws", {"x-amzn-trace-id": f"Self=1-x; Root=1-{T32[:8]}-{T32[8:]};Parent={S}"}, NONE_SAID),
        ("aws", {"x-amzn-trace-id": f"Root={T32}"}, None),
        ("gcp", {"x-cloud-trace-context": f"{T32}/{int(S, 16)};o=1"}, ONE),
        ("gcp", {"x-cloud-trace-context": f"{T32}/{int(S, 16)}"}, NONE_SAID),
        ("gcp", {"x-cloud-trace-context": f"{T32}/x"}, None),
        ("instana", {"x-instana-t": T32, "x-instana-s": S, "x-instana-l": "1"}, ONE),
        ("instana", {"x-instana-l": "0"}, ParentContext(sampled=False)),
    ],
)
def test_contexts_are_read(form: str, headers: dict[str, str], found: ParentContext | None) -> None:
    assert READERS[form]({name.encode(): text for name, text in headers.items()}) == found


@pytest.mark.parametrize("form", sorted(WRITERS))
@pytest.mark.parametrize("sampled", [True, False])
def test_what_is_written_is_read_again(form: str, sampled: bool) -> None:
    trace = Trace(WHOLE, S.encode(), sampled)
    written = WRITERS[form](trace)
    reader = "b3" if form == "b3-single" else form
    found = READERS[reader]({name: value.decode() for name, value in written})
    assert found is not None
    assert found.trace == (PADDED if form in ("ot", "datadog") else WHOLE)
    assert (found.span, found.sampled) == (S.encode(), sampled)
    assert {name for name, _ in written} <= HEADERS[reader]


def test_the_callers_span_is_shown_where_a_format_has_it() -> None:
    trace = Trace(WHOLE, b"1" * 16, True)
    trace.parent = S.encode()
    assert dict(WRITERS["b3"](trace))[b"x-b3-parentspanid"] == S.encode()
    assert WRITERS["b3-single"](trace)[0][1].endswith(b"-1-" + S.encode())
    assert WRITERS["jaeger"](trace)[0][1].split(b":")[2] == S.encode()


@given(st.sampled_from(sorted(READERS)), st.text(max_size=60))
@settings(max_examples=50)
def test_nothing_a_client_sends_breaks_a_reader(form: str, text: str) -> None:
    found = READERS[form](dict.fromkeys(HEADERS[form], text))
    if found is not None and found.trace:
        assert len(found.trace) == 32
        assert len(found.span) in (0, 16)
        int(found.trace, 16)
