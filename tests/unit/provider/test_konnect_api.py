# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import ResourceError
from provider.konnect_api import KonnectApi
from tests.support.fake_konnect import FakeKonnect


def test_what_is_not_there_is_none(konnect: FakeKonnect) -> None:
    api = KonnectApi({"url": konnect.url, "token": konnect.token})
    assert api.find("/v2/control-planes/missing") is None


def test_an_error_names_konnect_and_each_invalid_parameter(konnect: FakeKonnect) -> None:
    api = KonnectApi({"url": konnect.url, "token": konnect.token})
    with pytest.raises(ResourceError, match=f"Konnect at {konnect.url} answers 400") as caught:
        api.request("POST", "/v2/control-planes", {"name": " ", "labels": {}})
    assert "(name: should not be blank)" in str(caught.value)
