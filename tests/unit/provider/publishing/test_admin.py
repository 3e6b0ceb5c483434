# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from provider.publishing.admin import check_admin, publisher
from provider.publishing.control_plane import ControlPlanePublisher
from provider.publishing.konnect import KonnectPublisher
from provider.values import UNKNOWN


@pytest.mark.parametrize(
    ("admin", "path"),
    [
        ({}, "admin.url"),
        ({"url": "localhost:8001"}, "admin.url"),
        ({"url": "http://["}, "admin.url"),
        ({"url": "https://plane.test:99999"}, "admin.url"),
        ({"url": "https://plane.test/a b"}, "admin.url"),
        ({"url": "https://plane.test"}, None),
        ({"url": "https://plane.test:8444/admin"}, None),
        ({"url": UNKNOWN}, None),
        ({"forward": {"pod": "cp-0"}}, None),
        (UNKNOWN, None),
    ],
)
def test_an_admin_api_has_a_url_or_is_forwarded(admin: Any, path: str | None) -> None:
    assert [problem[0] for problem in check_admin(admin)] == ([path] if path else [])


@pytest.mark.parametrize(
    ("kind", "expected"), [("own", ControlPlanePublisher), ("konnect", KonnectPublisher)]
)
def test_each_kind_of_control_plane_has_its_publisher(kind: str, expected: type) -> None:
    with publisher({"url": "https://plane.test", "token": "t", "kind": kind}) as made:
        assert isinstance(made, expected)
