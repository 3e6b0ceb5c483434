# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import RequestRejected
from gateway.plugins.kafka_quota.admission import Admission, Decision
from tests.support.producing import until
from tests.support.requests import request_of


def test_a_decision_at_once_needs_no_wait() -> None:
    asked = []
    request = request_of()
    admission = Admission(lambda *given: asked.append(given), at_once=True)
    assert list(admission.admit(request, ["t"], 2, 9)) == []
    assert asked == [(request, ["t"], 2, 9)]


async def test_a_decision_that_is_waited_for_is_raised_where_it_was_asked() -> None:
    async def refuse() -> None:
        raise RequestRejected(429, "no")

    admission = Admission(lambda *_: refuse(), at_once=False)
    steps = admission.admit(request_of(), ["t"], 1, 1)
    decision = next(steps)
    assert isinstance(decision, Decision)
    reached = []
    decision.then_go_on(lambda: reached.append(True))
    await until(lambda: reached)
    with pytest.raises(RequestRejected, match="no"):
        next(steps)
