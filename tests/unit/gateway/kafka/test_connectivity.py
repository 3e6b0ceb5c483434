# SPDX-License-Identifier: Apache-2.0
"""The reason why Kafka cannot be reached, and when waiting for it is of no use."""

from __future__ import annotations

import pytest

from gateway.errors import ProduceError
from gateway.kafka.connectivity import Connectivity

TWO = ("a:9092", "b:9092")
REFUSED = "sasl_ssl://a:9092/1: SASL authentication error: Authentication failed"
DOWN = ("_ALL_BROKERS_DOWN", "2/2 brokers are down")
LATE = ProduceError("_MSG_TIMED_OUT", "timed out", "t")


def unresolved(server: str) -> tuple[str, str]:
    return "_RESOLVE", f"ssl://{server}/bootstrap: Failed to resolve '{server}'"


def test_what_waited_in_vain_is_told_what_it_waited_for() -> None:
    known = Connectivity(TWO)
    assert known.explained(LATE) is LATE
    known.error("_TRANSPORT", "ssl://a:9092/1: Connection refused")
    known.error(*DOWN)
    told = known.explained(LATE)
    assert (told.reason, told.topic) == ("_TRANSPORT", "t")
    assert "Connection refused" in told.detail
    denied = ProduceError("TOPIC_AUTHORIZATION_FAILED", "")
    assert known.explained(denied) is denied
    known.works()
    assert known.explained(LATE) is LATE


def test_names_bar_records_when_none_of_them_resolves() -> None:
    known = Connectivity(TWO)
    assert not known.error(*unresolved("a:9092"))
    assert known.error(*unresolved("b:9092"))
    assert not known.error(*unresolved("b:9092"))
    known.error("_TRANSPORT", "ssl://a:9092/bootstrap: Connection refused")
    assert known.barred is None
    assert known.error(*unresolved("a:9092"))


@pytest.mark.parametrize("down_first", [True, False])
def test_refused_credentials_bar_records_when_no_broker_is_left(down_first: bool) -> None:
    known = Connectivity(TWO)
    told = [("_AUTHENTICATION", REFUSED), DOWN]
    first, second = reversed(told) if down_first else told
    assert not known.error(*first)
    assert known.error(*second)
    known.works()
    assert known.barred is None
    assert not known.error("_AUTHENTICATION", REFUSED)


def test_credentials_that_were_good_have_to_be_refused_twice() -> None:
    known = Connectivity(TWO)
    known.works()
    assert not known.error("_AUTHENTICATION", REFUSED)
    assert not known.error(*DOWN)
    assert known.error("_AUTHENTICATION", REFUSED)


def test_a_connection_that_ends_before_the_credentials_were_shown_bars_nothing() -> None:
    known = Connectivity(TWO)
    known.error(*DOWN)
    for cause in ("Broker transport failure", "Timed out"):
        detail = f"sasl_ssl://a:9092/1: SASL PLAIN mechanism handshake failed: Local: {cause}: …"
        assert not known.error("_AUTHENTICATION", detail)
        told = known.explained(LATE)
        assert (told.reason, told.detail) == ("_TRANSPORT", detail)
    unsupported = "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: …"
    assert known.error("_AUTHENTICATION", unsupported)


def test_a_token_that_is_still_being_fetched_bars_nothing() -> None:
    known = Connectivity(TWO, tokens=True)
    known.error(*DOWN)
    detail = "there is no token available; last error: (not available)"
    for _ in range(5):
        assert not known.error("_AUTHENTICATION", detail)
    assert known.error("_AUTHENTICATION", "there is no token available; last error: 503")


def test_tokens_that_are_refused_may_be_replaced() -> None:
    known = Connectivity(TWO, tokens=True)
    known.error(*DOWN)
    for _ in range(2):
        assert not known.error("_AUTHENTICATION", REFUSED)
    assert known.error("_AUTHENTICATION", REFUSED)


def test_lost_connections_are_a_reason_only_before_they_were_up() -> None:
    known = Connectivity(TWO)
    known.works()
    known.disconnected("[thrd:a]: ssl://a:9092/1: Disconnected (after 600000ms in state UP)")
    assert known.explained(LATE) is LATE
    known.disconnected("[thrd:a]: a:9092/1: Disconnected (after 2ms in state APIVERSION_QUERY)")
    told = known.explained(LATE)
    assert told.detail.startswith("a:9092/1: Disconnected")
    assert "TLS" in told.detail


def test_connections_that_end_when_they_are_up_are_a_reason_until_one_has_worked() -> None:
    known = Connectivity(TWO)
    line = "[thrd:a]: ssl://a:9092/1: Disconnected (after 9ms in state UP)"
    known.disconnected(line)
    assert "does the broker want SASL" in known.explained(LATE).detail
    known.works()
    known.disconnected(line)
    assert known.explained(LATE) is LATE
