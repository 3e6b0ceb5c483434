# SPDX-License-Identifier: Apache-2.0
"""The policy pack in the real engine; it needs its own environment, `policies/.venv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.stubs.install import ROOT
from tools.stubs.session import StubSession

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not (ROOT / "policies" / ".venv").exists(),
        reason="run python3 tools/bootstrap.py policies",
    ),
]
PACK = ("--policy-pack", str(ROOT / "policies"))


def test_the_committed_configuration_of_prod_passes(tmp_path: Path) -> None:
    shown = StubSession(tmp_path, "prod").preview(*PACK)
    assert shown.code == 0, shown.text
    assert "[mandatory]" not in shown.text
    assert "can't run policy" not in shown.text


def test_a_public_endpoint_in_prod_is_refused(tmp_path: Path) -> None:
    session = StubSession(tmp_path, "prod")
    session.write_settings(publicEndpoint=True)
    shown = session.preview(*PACK)
    assert shown.code != 0
    assert "endpointPublicAccess: True; allowed in prod: False" in shown.text
