# SPDX-License-Identifier: Apache-2.0
"""Names and sentences of librdkafka's errors."""

from __future__ import annotations

from gateway.kafka.librdkafka import error_name, error_text, ffi, text


def test_errors_of_brokers_and_of_the_client_have_names() -> None:
    assert error_name(29) == "TOPIC_AUTHORIZATION_FAILED"
    assert error_name(-192) == "_MSG_TIMED_OUT"
    assert error_text(29)


def test_no_pointer_is_no_text() -> None:
    assert text(ffi.NULL) == ""
    assert text(ffi.new("char[]", "ø".encode())) == "ø"
