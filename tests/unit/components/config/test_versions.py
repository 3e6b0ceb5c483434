# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from datetime import date

from components.config.versions import KONG_CHART_VERSION, KONG_IMAGE_TAG, KUBERNETES_VERSIONS


def test_support_runs_from_standard_to_extended_to_ended() -> None:
    version = KUBERNETES_VERSIONS["1.34"]
    assert version.support(date(2026, 12, 1)) == "standard"
    assert version.support(date(2026, 12, 2)) == "extended"
    assert version.support(date(2027, 12, 2)) == "ended"


def test_the_table_is_in_order_and_its_dates_are_too() -> None:
    assert list(KUBERNETES_VERSIONS) == sorted(KUBERNETES_VERSIONS)
    for version in KUBERNETES_VERSIONS.values():
        assert version.standard_until < version.extended_until


def test_charts_and_images_are_pinned_to_the_patch() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", KONG_CHART_VERSION)
    assert re.fullmatch(r"3\.10\.\d+\.\d+", KONG_IMAGE_TAG)
