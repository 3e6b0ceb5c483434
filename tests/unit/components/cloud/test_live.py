# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from components.cloud import live
from components.cloud.live import READ, LiveCluster, LiveStack, live_cluster
from tests.support.registrations import register, secret


def test_the_state_is_asked_for_by_the_stacks_whole_name() -> None:
    asked: list[dict[str, Any]] = []
    found: list[LiveStack] = []

    def answer(kind: str, name: str, inputs: dict[str, Any]) -> Mapping[str, Any]:
        assert kind == READ
        asked.append(inputs)
        key = "urn:pulumi:dev::kafka-gateway::a:b:C$aws:ec2/vpc:Vpc::cluster-vpc"
        outputs = {"cidrBlock": "10.0.0.0/16", "hidden": secret("word")}
        return {"outputs": {key: {"type": "aws:ec2/vpc:Vpc", "outputs": outputs}}}

    register(lambda: found.append(LiveStack.of_this_run()), answer, stack="dev")
    assert asked == [{"stackName": "organization/kafka-gateway/dev"}]
    assert found[0].one("aws:ec2/vpc:Vpc")["cidrBlock"] == "10.0.0.0/16"
    assert found[0].all("aws:ec2/vpc:Vpc").keys() == {"cluster-vpc"}
    assert found[0].one("aws:ec2/subnet:Subnet") == {}


@pytest.mark.parametrize(
    ("said", "failures", "asked"),
    [
        ("failed to load checkpoint: EOF", 3, 4),
        ("failed to load checkpoint: unexpected end of JSON input", live._TRIES, live._TRIES),
        ("resource monitor shut down", 1, 1),
    ],
)
def test_a_state_that_is_being_written_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, said: str, failures: int, asked: int
) -> None:
    asks: list[Any] = []

    def invoke(request: Any) -> str:
        asks.append(request)
        if len(asks) <= failures:
            raise grpc.RpcError(said)
        return "the state"

    monkeypatch.setattr(live, "_PAUSE", 0.0)
    monitor = SimpleNamespace(Invoke=invoke)
    monkeypatch.setattr("pulumi.runtime.settings.get_monitor", lambda: monitor)
    if failures < asked:
        assert live._invoke("a request") == "the state"  # type: ignore[arg-type]  # it is passed on
    else:
        with pytest.raises(grpc.RpcError, match=said):
            live._invoke("a request")  # type: ignore[arg-type]  # it is passed on
    assert asks == ["a request"] * asked


def test_a_cluster_is_as_much_as_was_made_of_it() -> None:
    subnets = {f"cluster-public-{n}": {"availabilityZone": f"z{n}"} for n in (1, 0)}
    there = LiveStack(
        {
            "pulumi:providers:aws": {"cluster-aws": {"region": "us-east-2"}},
            "aws:ec2/subnet:Subnet": {**subnets, "cluster-private-0": {"availabilityZone": "z0"}},
        }
    )
    assert live_cluster(there, "cluster", "us-east-2") == LiveCluster(zones=("z0", "z1"))
    assert live_cluster(there, "cluster", "eu-west-1") == LiveCluster()
