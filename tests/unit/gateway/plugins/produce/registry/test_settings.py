# SPDX-License-Identifier: Apache-2.0
"""The block ``schema_registry`` wants the details of the mode that it names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.produce.registry.settings import RegistryAuthentication


@pytest.mark.parametrize("mode", ["basic", "oauth2"])
def test_a_mode_without_its_details_is_refused(mode: Any) -> None:
    with pytest.raises(ValidationError):
        RegistryAuthentication(mode=mode)


def test_without_a_mode_nothing_is_shown() -> None:
    assert RegistryAuthentication().mode == "none"
