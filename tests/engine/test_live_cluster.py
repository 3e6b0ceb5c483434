# SPDX-License-Identifier: Apache-2.0
"""What a change of the configuration does to a cluster that is live, by the engine's plan.

The stubs replace, rename and refuse as the providers do: see tools/stubs/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plans import planned
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubSession]:
    """A stack that is up; a test puts back what it changes."""
    with warm_session(tmp_path_factory.mktemp("live"), "dev") as session:
        made = session.up()
        assert made.code == 0, made.text
        yield session


def test_other_nodes_come_before_the_old_ones_go(live: StubSession) -> None:
    assert planned(live, nodeType="m7i.large") == [
        "make anew cluster-nodes: instanceTypes",
        "delete the old cluster-nodes",
    ]


def test_people_of_one_name_are_admitted_each(live: StubSession) -> None:
    account = "arn:aws:iam::123456789012"
    arns = [
        f"{account}:role/a/admin",
        f"{account}:role/b/admin",
        f"{account}:user/admin",
        "arn:aws:iam::210987654321:role/admin",
    ]
    made = [
        "update cluster: accessEntries",
        "make cluster-123456789012/role/a/admin",
        "make cluster-123456789012/role/b/admin",
        "make cluster-123456789012/user/admin",
        "make cluster-210987654321/role/admin",
    ]
    assert planned(live, adminArns=arns) == made
