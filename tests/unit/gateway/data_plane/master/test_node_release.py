# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.data_plane.master.node_release import check_release, make_release, parse_frame
from gateway.documents.document import to_table
from gateway.errors import ReleaseRefused
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import reconfigure_payload

DOCUMENT = {"services": {"s": {"url": "http://h/", "routes": {"r": {"paths": ["/a"]}}}}}


def sent(document: dict[str, Any] | None = None) -> dict[str, Any]:
    return config_table(to_table(DOCUMENT if document is None else document, "tests", 1))


def test_a_frame_of_the_control_plane_becomes_a_release() -> None:
    table = sent()
    payload = reconfigure_payload(table)
    release = parse_frame(payload)
    assert release is not None
    assert release.hash == config_hash(table)[0]
    assert json.loads(release.table) == table
    assert release.frame == payload
    assert not release.empty


def test_a_configuration_of_nothing_but_a_workspace_is_empty() -> None:
    release = parse_frame(reconfigure_payload(sent({})))
    assert release is not None
    assert release.empty


def test_a_good_release_passes_the_check() -> None:
    check_release(make_release(sent(), "h"))


def test_everything_wrong_with_a_release_is_listed() -> None:
    table = sent()
    table["routes"][0]["pathz"] = ["/x"]
    table["services"][0]["port"] = 99999
    table["gadgets"] = []
    with pytest.raises(ReleaseRefused) as caught:
        check_release(make_release(table, "h"))
    text = "\n".join(caught.value.errors)
    assert 'routes["r"].pathz: unknown field' in text
    assert 'services["s"].port' in text
    assert "gadgets: unknown collection" in text


def test_a_dangling_reference_is_refused() -> None:
    table = sent()
    table["routes"][0]["service"] = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(ReleaseRefused, match="service"):
        check_release(make_release(table, "h"))


def test_an_unknown_format_version_is_refused() -> None:
    with pytest.raises(ReleaseRefused, match="_format_version"):
        check_release(make_release({**sent(), "_format_version": "9.0"}, "h"))
