# SPDX-License-Identifier: Apache-2.0
"""What all tests share: one real broker for the whole run, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.broker import Broker, running_broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give the shared broker. Make topics of your own on it; never stop it."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as shared:
        yield shared
