# SPDX-License-Identifier: Apache-2.0
"""The parsed declarations and the library they describe."""

from __future__ import annotations

from gateway.kafka import declarations, librdkafka


def test_the_parsed_form_is_in_step() -> None:
    assert declarations.FILE.read_text() == declarations.parsed(), (
        "run python -m gateway.kafka.declarations"
    )


def test_errors_have_names_and_sentences() -> None:
    assert librdkafka.error_name(-192) == "_MSG_TIMED_OUT"
    assert "timed out" in librdkafka.error_text(-192)
