# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gateway.data_plane.master.exposition import Exposition, Series, labels, wants_openmetrics

Parse = Callable[[str], Iterable[Any]]
FORMATS: list[tuple[bool, Parse]] = [
    (False, text_string_to_metric_families),
    (True, openmetrics.text_string_to_metric_families),
]


def samples(text: Exposition, parse: Parse) -> dict[tuple[str, str], Any]:
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample
        for family in parse(text.text().decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(("modern", "parse"), FORMATS)
def test_counters_and_gauges_are_read_by_prometheus_own_parsers(modern: bool, parse: Parse) -> None:
    text = Exposition(openmetrics=modern)
    text.family("a_total", "counter", "A.", [(labels(x="1"), 3), (labels(x="2"), 4)])
    text.family("b_bytes", "counter", "A counter that is not called so.", [("", 5)])
    text.one("c", "gauge", "C.", 1.5)
    found = samples(text, parse)
    assert found["a_total", "x=1"].value == 3
    # The parser of the older format gives counters the end that the newer one demands.
    assert found["b_bytes" if modern else "b_bytes_total", ""].value == 5
    assert b"\nb_bytes 5\n" in text.text()
    assert found["c", ""].value == 1.5


@pytest.mark.parametrize(("modern", "parse"), FORMATS)
def test_histograms_are_cumulative(modern: bool, parse: Parse) -> None:
    text = Exposition(openmetrics=modern)
    text.histograms("h", "H.", (1, 10), [Series(labels(r="x"), [1, 2, 3], 40.5)])
    found = samples(text, parse)
    bounds = ("1.0", "10.0") if modern else ("1", "10")
    assert [found["h_bucket", f"le={b},r=x"].value for b in (*bounds, "+Inf")] == [1, 3, 6]
    assert found["h_count", "r=x"].value == 6
    assert found["h_sum", "r=x"].value == 40.5


def test_exemplars_stand_at_their_buckets_where_the_format_has_them() -> None:
    series = Series("", [0, 1], 7.5, {1: ["4bf92f3577b34da6a3ce929d0e0e4736", 7.5, 1700000000.25]})
    for modern, parse in FORMATS:
        text = Exposition(openmetrics=modern)
        text.histograms("h", "H.", (1,), [series])
        exemplar = samples(text, parse)["h_bucket", "le=+Inf"].exemplar
        if not modern:
            assert exemplar is None
            continue
        assert exemplar.labels == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
        assert (exemplar.value, float(exemplar.timestamp)) == (7.5, 1700000000.25)


def test_what_has_no_samples_is_left_out() -> None:
    text = Exposition()
    text.family("a", "gauge", "A.", [])
    text.histograms("h", "H.", (1,), [])
    assert text.text() == b""
    assert Exposition(openmetrics=True).text() == b"# EOF\n"


@given(st.text(max_size=20))
@settings(max_examples=50)
def test_any_name_stays_one_label(name: str) -> None:
    for modern, parse in FORMATS:
        text = Exposition(openmetrics=modern)
        text.family("a", "gauge", "A.", [(labels(x=name), 1)])
        (family,) = parse(text.text().decode())
        assert family.samples[0].labels == {"x": name}


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        # What Prometheus 2 and 3 send.
        (
            b"application/openmetrics-text;version=1.0.0;q=0.5,"
            b"application/openmetrics-text;version=0.0.1;q=0.4,"
            b"text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            True,
        ),
        (b"application/openmetrics-text", True),
        (b"Application/OpenMetrics-Text; q=1", True),
        (b"text/plain", False),
        (b"", False),
        (b"*/*", False),
        (b"application/openmetrics-text;q=0", False),
        (b"application/openmetrics-text;q=0.2,text/plain;q=0.9", False),
        (b"application/openmetrics-text;q=x", False),
        (b",;,q=,", False),
    ],
)
def test_openmetrics_is_for_those_who_ask_for_it(accept: bytes, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted
