# SPDX-License-Identifier: Apache-2.0
"""One local stack for all end-to-end tests: stood up by `make up`, taken down at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Give a checkout with its stack up and nothing of it left afterwards."""
    made = Checkout(Path(tmp_path_factory.mktemp("clone")))
    try:
        first = made.run("make", "--no-print-directory", "up")
        assert first.code == 0, first.text
        yield made
    finally:
        made.down()
