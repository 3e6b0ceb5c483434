# SPDX-License-Identifier: Apache-2.0
"""A mock cluster with the topic ``t``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.mock_kafka import MockKafka, mock_kafka


@pytest.fixture
def cluster() -> Iterator[MockKafka]:
    with mock_kafka() as made:
        made.create("t")
        yield made
