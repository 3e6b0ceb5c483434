# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.control_plane import (
    ExistingControlPlaneConfig,
    KonnectConfig,
    OwnControlPlaneConfig,
    read_control_plane,
)
from components.config.pods import PodConfig
from components.config.reader import ConfigReader
from tests.support.authority import Authority

PODS = PodConfig("500m", "", "256Mi", "512Mi")


def read(**changes: str) -> KonnectConfig | ExistingControlPlaneConfig | OwnControlPlaneConfig:
    reader = ConfigReader("prod", changes)
    found = read_control_plane(reader)
    reader.done()
    return found


def problems(**changes: str) -> str:
    reader = ConfigReader("prod", changes)
    read_control_plane(reader)
    return "\n".join(reader.problems)


def test_our_own_needs_nothing_and_an_address_loses_its_slash() -> None:
    assert read() == OwnControlPlaneConfig("", 1, PODS)
    assert read(adminUrl="https://admin.example/") == OwnControlPlaneConfig(
        "https://admin.example", 1, PODS
    )


def test_one_of_konnects_has_the_stacks_name_unless_another_is_given() -> None:
    found = read(controlPlane="konnect", konnectToken="kpat_planted")
    assert isinstance(found, KonnectConfig)
    assert (found.name, found.region) == ("kafka-gateway-prod", "us")
    assert "planted" not in repr(found)


def test_a_control_plane_of_ones_own_is_known_by_its_host_unless_said_otherwise() -> None:
    found = read(
        controlPlane="existing",
        adminUrl="https://admin.example",
        adminToken="t",
        clusterControlPlane="cp.example:443",
        clusterCaPem=Authority().pem,
    )
    assert isinstance(found, ExistingControlPlaneConfig)
    assert found.server_name == "cp.example"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"controlPlane": "konnect", "controlPlaneResources": '{"cpu": "1"}'},
            "controlPlaneResources: only used with controlPlane own",
        ),
        ({"controlPlane": "konnect"}, "konnectToken: missing; Konnect is called with it: set it"),
        (
            {"controlPlane": "konnect", "konnectToken": "t", "konnectRegion": "mars"},
            "konnectRegion: 'mars' is not one of us, eu, au",
        ),
        (
            {"controlPlane": "konnect", "konnectToken": "s3cret\n"},
            "konnectToken: has characters that no header can have",
        ),
        (
            {"controlPlane": "existing", "adminToken": "s3cret\r"},
            "adminToken: has characters that no header can have",
        ),
        ({"clusterServerName": "cp"}, "clusterServerName: 'cp' without clusterControlPlane"),
        ({"clusterControlPlane": "cp:1"}, "clusterControlPlane: only used with controlPlane exist"),
        ({"clusterCaPem": "PEM"}, "clusterCaPem: only used with controlPlane existing"),
        ({"controlPlane": "existing"}, "adminUrl: missing"),
        ({"controlPlane": "existing"}, "clusterCaPem: missing; data planes verify the control"),
        ({"adminUrl": "admin.example"}, "adminUrl: 'admin.example' is no address such as https"),
        ({"keyringGeneration": "0"}, "keyringGeneration: 0 is not a whole number from 1 to 1000"),
        ({"adminUrl": "https://a.example:0"}, "adminUrl: 'https://a.example:0': 0 is no port"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(
    changes: dict[str, str], said: str
) -> None:
    assert said in problems(**changes)
