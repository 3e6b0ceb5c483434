# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engine import FakeEngine
from tests.support.fake_konnect import FakeKonnect


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine().running() as running:
        yield running


@pytest.fixture
def konnect() -> Iterator[FakeKonnect]:
    with FakeKonnect().running() as running:
        yield running
