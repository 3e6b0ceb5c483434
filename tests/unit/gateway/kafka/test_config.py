# SPDX-License-Identifier: Apache-2.0
"""What librdkafka is told of a producer's configuration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.config import OAuth, ProducerConfig, Sasl, Tls, librdkafka_settings

HERE = ("127.0.0.1:9092",)
MILLISECONDS = st.integers(1, 600_000)


def test_further_settings_win() -> None:
    settings = librdkafka_settings(ProducerConfig(HERE, extra=(("linger.ms", "7"),)))
    assert settings["linger.ms"] == "7"


def test_no_secret_shows() -> None:
    oauth = OAuth("https://idp.example", "id", "hidden")
    sasl = Sasl("OAUTHBEARER", "user", "hidden", oauth)
    config = ProducerConfig(HERE, tls=Tls(key="hidden"), sasl=sasl)
    assert "hidden" not in repr(config)
    assert "sasl.password" not in librdkafka_settings(config)


@given(MILLISECONDS, MILLISECONDS, st.integers(0, 10_000))
def test_a_record_is_given_up_before_its_deadline(deadline: int, timeout: int, pause: int) -> None:
    config = ProducerConfig(HERE, deadline=deadline, socket_timeout=timeout, backoff=pause)
    settings = librdkafka_settings(config)
    assert 1 <= int(settings["message.timeout.ms"]) <= deadline
    assert 1000 <= int(settings["socket.connection.setup.timeout.ms"]) <= 300_000
    assert 10 <= int(settings["socket.timeout.ms"]) <= 300_000
