# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.errors import SettingsError
from gateway.settings.compatibility import is_newer, use_version, version_in_force, version_of
from gateway.settings.settings import Settings


@pytest.fixture
def _restored() -> Iterator[None]:
    yield
    use_version("3.10")


@pytest.mark.usefixtures("_restored")
def test_the_version_of_a_process_holds_in_its_threads() -> None:
    assert version_in_force() == "3.10"
    use_version("3.14")
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(is_newer()))
    thread.start()
    thread.join()
    assert seen == [True]


def test_a_block_has_a_version_of_its_own() -> None:
    with version_of("3.14"):
        assert is_newer()
        with version_of("3.10"):
            assert not is_newer()
        assert is_newer()
    assert not is_newer()


@pytest.mark.parametrize("version", ["", "3.9", "3.14.0", "latest"])
def test_there_are_two_versions(version: str) -> None:
    with pytest.raises(ValueError, match=r"expected 3\.10 or 3\.14"):
        use_version(version)
    with pytest.raises(SettingsError, match=r"KAFKA_GATEWAY_COMPATIBILITY_VERSION: expected 3\.10"):
        Settings.parse({"compatibility_version": version})
