# SPDX-License-Identifier: Apache-2.0
"""Ratios, verdicts and their presentation."""

from __future__ import annotations

from xml.etree import ElementTree

from bench.cases import (
    FASTAPI,
    FLOOR,
    GATEWAY,
    LIBRDKAFKA,
    MQ_BRIDGE,
    PROTOTYPE,
    PROXY_FLOOR,
    all_cases,
    paths_of,
    quick_cases,
)
from bench.measurements import Results
from bench.plot import svg
from bench.report import TARGETS, markdown, table, verdicts
from bench.stage import Measured
from bench.topic import Verdict


def _measured(
    per_second: float,
    cpu: float = 10.0,
    verdict: Verdict | None = None,
    p50: float = 1.0,
    p99: float = 2.0,
) -> Measured:
    shares = {"p50": p50, "p90": 1.0, "p99": p99, "p99.9": 3.0, "max": 4.0}
    return Measured(per_second, cpu, shares, {"200": 5}, 0, verdict, 1)


def _results() -> Results:
    results = Results()
    for factor in (1.0, 2.0, 0.5):  # the machine's mood changes from round to round
        for case in ("404, 64 connections", "404 edge, 64 connections"):
            results.add(case, GATEWAY, _measured(80 * factor))
            results.add(case, FLOOR, _measured(100 * factor))
        verdict = Verdict(100, 1, 2)
        results.add("produce, 256 connections", GATEWAY, _measured(60 * factor, verdict=verdict))
        for case in ("produce edge, 256 connections", "produce, 512 connections"):
            results.add(case, GATEWAY, _measured(60 * factor))
            results.add(case, MQ_BRIDGE, _measured(20 * factor))
            results.add(case, PROTOTYPE, _measured(100 * factor))
        for subject, per_second in ((PROTOTYPE, 75), (MQ_BRIDGE, 30), (FASTAPI, 15)):
            results.add("produce, 256 connections", subject, _measured(per_second * factor))
        results.add("proxied, 64 connections", GATEWAY, _measured(30 * factor))
        results.add("proxied, 64 connections", PROXY_FLOOR, _measured(50 * factor))
        for rate in ("5,000", "10,000"):
            results.add(f"produce at {rate}/s", GATEWAY, _measured(1, cpu=30 * factor, p99=6.0))
            results.add(f"produce at {rate}/s", MQ_BRIDGE, _measured(1, cpu=20 * factor))
            results.add(f"produce at {rate}/s", PROTOTYPE, _measured(1, p99=4.0))
        results.add("10 routes", GATEWAY, _measured(50, cpu=10 * factor))
        results.add("10,000 routes", GATEWAY, _measured(50, cpu=11 * factor))
        guarded = "produce with policies, 256 connections"
        results.add(guarded, GATEWAY, _measured(50, cpu=10 + 3 * factor))
        token = "produce with jwt, 256 connections"
        results.add(token, GATEWAY, _measured(50, cpu=10 + factor))
        for name, cpu in (
            ("openid-connect", 12),
            ("key-auth", 11),
            ("key-auth and prometheus", 13),
        ):
            results.add(f"produce with {name}, 256 connections", GATEWAY, _measured(50, cpu=cpu))
        for number, name in enumerate(("file-log", "http-log", "opentelemetry"), 13):
            results.add(f"produce with {name}, 256 connections", GATEWAY, _measured(50, cpu=number))
        results.add("produce, 1 connections", GATEWAY, _measured(50, p50=2.5))
        results.add("produce, 1 connections", LIBRDKAFKA, _measured(50, p50=2.0))
        results.add("swap of 1,000 routes under load", GATEWAY, _measured(50, p99=3.0))
        results.add("the same without a swap", GATEWAY, _measured(50, p99=2.0))
    return results


def test_ratios_are_taken_within_a_round() -> None:
    assert _results().ratios() == {
        "no_route_plain_vs_floor": 0.8,
        "no_route_edge_vs_floor": 0.8,
        "produce_plain_vs_prototype": 0.8,
        "produce_edge_vs_prototype": 0.6,
        "produce_plain_vs_mq_bridge": 2.0,
        "produce_edge_vs_mq_bridge": 3.0,
        "produce_plain_vs_fastapi": 4.0,
        "produce_512_vs_prototype": 0.6,
        "proxy_vs_floor": 0.6,
        "routes_10000_vs_10": 1.1,
        "cpu_vs_mq_bridge": 1.0,
        "cpu_5000_vs_mq_bridge": 1.5,
        "cpu_10000_vs_mq_bridge": 1.5,
        "p99_10000_vs_prototype": 1.5,
        "swap_p99": 1.5,
    }


def test_differences_are_taken_within_a_round() -> None:
    assert _results().differences() == {
        "policies_cpu_us": 3.0,
        "jwt_cpu_us": 1.0,
        "openid_connect_cpu_us": 2.0,
        "prometheus_cpu_us": 2.0,
        "file_log_cpu_us": 3.0,
        "http_log_cpu_us": 4.0,
        "opentelemetry_cpu_us": 5.0,
        "one_connection_ms": 0.5,
    }


def test_everything_with_a_target_is_computed() -> None:
    results = _results()
    assert {**results.ratios(), **results.differences()}.keys() == TARGETS.keys()


def test_lost_and_duplicated_records_are_summed_over_runs() -> None:
    data = _results().as_json({"cores": 2})
    assert (data["acknowledged"], data["lost"], data["duplicated"]) == (300, 3, 6)
    assert (data["ratios"]["lost"], data["ratios"]["duplicated"]) == (3, 6)


def test_a_missing_case_leaves_its_ratio_out() -> None:
    assert Results().ratios() == {}


def test_the_report_names_targets_and_servers() -> None:
    results = _results()
    lines = list(verdicts(results))
    assert "produce_plain_vs_mq_bridge: 2.0 (target >= 1.5: met)" in lines
    assert "gateway: 300 records acknowledged, 3 lost, 6 duplicated" in lines
    assert "fastapi + aiokafka" in table(results)
    assert "| 404, 64 connections | gateway | 80 |" in markdown(results, {"cores": 2})


def test_the_plot_is_well_formed() -> None:
    root = ElementTree.fromstring(svg(_results()))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"gateway", "60", "2.00", "produce at 5,000/s"} <= set(texts)


def test_no_label_of_the_plot_is_cut() -> None:
    name = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(svg(_results()))
    widest = 8  # pixels of a digit, more than any font's at this size
    for text in root.iter(f"{name}text"):
        end = float(text.attrib["x"]) + widest * len(text.text or "")
        assert end <= float(root.attrib["width"]), text.text


_FULL_ONLY = {
    "swap_p99",
    "cpu_5000_vs_mq_bridge",
    "cpu_10000_vs_mq_bridge",
    "p99_10000_vs_prototype",
}


def test_a_quick_run_has_every_ratio_but_those_of_swaps_and_rates() -> None:
    asked = {(case.name, subject) for case in quick_cases() for subject in case.subjects}
    results = Results()
    for case, subject in asked:
        results.add(case, subject, _measured(50))
    found = results.ratios() | results.differences()
    assert found.keys() == TARGETS.keys() - _FULL_ONLY


def test_few_routes_are_asked_with_as_many_paths_as_many() -> None:
    few, many = (
        paths_of(next(case for case in all_cases() if case.name == name))
        for name in ("10 routes", "10,000 routes")
    )
    assert len(set(few)) == len(set(many)) == 10_000
    assert len({path.split("/")[2] for path in few}) == 10
    assert len({path.split("/")[2] for path in many}) == 10_000
