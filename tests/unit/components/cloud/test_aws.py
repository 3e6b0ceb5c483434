# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from components.cloud.aws import trust
from components.cloud.stack import make_cluster
from tests.support.cloud import stand_up_part
from tests.support.registrations import Registration


def cluster(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_cluster, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return cluster("prod")


def test_everything_of_aws_is_below_the_component_with_its_provider_and_tags(
    prod: list[Registration],
) -> None:
    mine = [one for one in prod if one.type.startswith("aws:")]
    assert mine
    for one in mine:
        assert one.parent.endswith("::cluster"), one.name
        assert "::cluster-aws" in one.provider
        if "tags" in one.inputs:
            assert one.inputs["tags"]["stack"] == "prod"
            assert one.inputs["tags"]["project"] == "kafka-gateway"


def test_a_role_is_taken_by_its_service_only() -> None:
    (statement,) = json.loads(trust("ec2.amazonaws.com"))["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole"]
    (pods,) = json.loads(trust("pods.eks.amazonaws.com"))["Statement"]
    assert "sts:TagSession" in pods["Action"]
