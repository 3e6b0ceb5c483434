# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.regions import REGIONS, region_problem


@pytest.mark.parametrize(
    ("cloud", "region", "said"),
    [
        ("GCP", "us-east-2", "'us-east-2' is a region of AWS, not of GCP"),
        ("AZURE", "us-central1", "'us-central1' is a region of GCP, not of AZURE"),
        ("AWS", "eastus", "'eastus' is a region of AZURE, not of AWS"),
        ("AWS", "us-east-3", "'us-east-3' is no region of AWS; did you mean"),
        ("AWS", "us-gov-west-1", "another partition of AWS"),
        ("AWS", "cn-north-1", "another partition of AWS"),
    ],
)
def test_a_region_that_its_cloud_does_not_have_is_refused(
    cloud: str, region: str, said: str
) -> None:
    assert said in region_problem(cloud, region)


def test_no_two_clouds_share_a_region() -> None:
    every = [region for regions in REGIONS.values() for region in regions]
    assert len(every) == len(set(every))
    for cloud, regions in REGIONS.items():
        assert not any(region_problem(cloud, region) for region in regions)
