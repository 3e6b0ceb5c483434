# SPDX-License-Identifier: Apache-2.0
"""Handlers run in their order; an answer, a failure or a consumer changes what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import RequestRejected
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import Handler, Proceed
from gateway.plugins.chain import Chain
from tests.support.http import text
from tests.support.requests import request_of
from tests.support.waiting import PATIENCE

_CONTEXT: Any = None


def _access(run: Callable[[Request], Any]) -> Handler:
    class Made(Handler):
        def access(self, request: Request) -> Any:
            return run(request)

    return Made(None, _CONTEXT)


def _status(chain: Chain, request: Request | None = None) -> int:
    answer = chain.run(request or request_of())
    assert isinstance(answer, Response)
    return answer.status


def test_handlers_run_in_order_until_one_answers() -> None:
    ran: list[int] = []

    def answering(_: Request) -> Response:
        ran.append(2)
        return text(201, b"")

    first, third = _access(lambda _: ran.append(1)), _access(lambda _: ran.append(3))
    assert _status(Chain([first, _access(answering), third])) == 201
    assert ran == [1, 2]


def test_without_an_answer_the_last_one_answers() -> None:
    assert _status(Chain([_access(lambda _: None)], lambda _: text(202, b""))) == 202


def test_without_a_service_the_answer_is_503() -> None:
    answer = Chain().run(request_of())
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert answer.body == b'{"message":"no Service found with those values"}'


def test_a_handler_that_raises_is_a_500_and_the_next_do_not_run() -> None:
    def bug(_: Request) -> None:
        raise RuntimeError("secret detail")

    ran: list[int] = []
    chain = Chain([_access(bug), _access(lambda _: ran.append(1))], lambda _: text(200, b""))
    answer = chain.run(request_of())
    assert isinstance(answer, Response)
    assert answer.status == 500
    assert b"secret" not in answer.body  # type: ignore[operator]  # bytes
    assert ran == []


def test_a_rejection_has_its_own_status() -> None:
    def reject(_: Request) -> None:
        raise RequestRejected(403, "no")

    assert _status(Chain([_access(reject)])) == 403


def test_an_answer_of_the_wrong_type_is_a_500() -> None:
    assert _status(Chain([_access(lambda _: 42)])) == 500


def test_a_pending_answer_is_handed_on() -> None:
    pending = Pending()
    assert Chain([_access(lambda _: pending)]).run(request_of()) is pending


@pytest.mark.parametrize("fails", [False, True])
async def test_a_handler_that_waits_lets_the_rest_run_afterwards(fails: bool) -> None:
    async def wait(_: Request) -> None:
        await asyncio.sleep(0)
        if fails:
            raise RuntimeError("bug")

    ran: list[int] = []
    chain = Chain([_access(wait), _access(lambda _: ran.append(1))], lambda _: text(202, b""))
    answer = chain.run(request_of())
    assert isinstance(answer, Pending)
    assert (await answer).status == (500 if fails else 202)
    assert ran == ([] if fails else [1])


async def test_a_handler_that_waits_may_answer_itself() -> None:
    async def wait(_: Request) -> Response:
        await asyncio.sleep(0)
        return text(201, b"")

    answer = Chain([_access(wait)]).run(request_of())
    assert isinstance(answer, Pending)
    assert (await answer).status == 201


async def test_an_abandoned_request_stops_the_handler_that_waits() -> None:
    stopped = asyncio.Event()

    async def wait(_: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    answer = Chain([_access(wait)]).run(request_of())
    assert isinstance(answer, Pending)
    await asyncio.sleep(0)
    answer.abandon()
    await asyncio.wait_for(stopped.wait(), PATIENCE)


@pytest.mark.parametrize("waits", [False, True])
def test_a_consumer_switches_to_its_chain_behind_the_handler_that_found_it(waits: bool) -> None:
    ran: list[str] = []

    def authenticate(request: Request) -> Any:
        ran.append("auth")
        request.consumer = {"username": "a"}
        return asyncio.sleep(0) if waits else None

    def make(name: str) -> Handler:
        return _access(lambda _: ran.append(name))

    auth = _access(authenticate)
    order = [(2000, "cors"), (1250, "key-auth"), (910, "rate-limiting"), (100, "proxy-cache")]
    own = Chain(
        [make("cors*"), auth, make("rate*"), make("cache")], lambda _: text(200, b""), order=order
    )
    chain = Chain(
        [make("cors"), auth, make("rate"), make("cache")],
        lambda _: text(500, b""),
        order=order,
        derive=lambda request: own,
    )
    request = request_of()

    async def check() -> None:
        answer = chain.run(request)
        response = await answer if isinstance(answer, Pending) else answer
        assert response.status == 200

    asyncio.run(check())
    assert ran == ["cors", "auth", "rate*", "cache"]
    assert request.chain is own


@pytest.mark.parametrize("waits", [False, True])
def test_a_second_proof_switches_again(waits: bool) -> None:
    """Two plugins that authenticate: what the first consumer's plugins do must not stay."""

    def becomes(name: str | None, groups: Any = None) -> Handler:
        def access(request: Request) -> Any:
            request.consumer = {"id": name} if name else request.consumer
            request.consumer_groups = groups
            return asyncio.sleep(0) if waits else None

        return _access(access)

    first, second = becomes("guest"), becomes("ann")
    third = becomes(None, ({"id": "g", "name": "gold"},))
    order = [(1250, "key-auth"), (1100, "basic-auth"), (1050, "openid-connect"), (910, "limit")]
    derived = []

    def derive(request: Request) -> Chain:
        groups = [group["name"] for group in request.consumer_groups or ()]
        name = "+".join([request.consumer["id"], *groups])
        derived.append(name)

        def limit(asked: Request) -> Response:
            return text(200, name.encode())

        return Chain([first, second, third, _access(limit)], order=order)

    passing = _access(lambda _: None)
    chain = Chain([first, second, third, passing], order=order, derive=derive)

    async def check() -> None:
        answer = chain.run(request_of())
        response = await answer if isinstance(answer, Pending) else answer
        assert response.body == b"ann+gold"

    asyncio.run(check())
    assert derived == ["guest", "ann", "ann+gold"]


def test_only_overridden_phases_are_called() -> None:
    class Filters(Handler):
        def header_filter(self, request: Request, response: Response) -> None:
            response.headers.append((b"X-Seen", b"1"))

        def body_filter(
            self, request: Request, response: Response, chunk: bytes, last: bool
        ) -> bytes:
            return chunk.upper()

    chain = Chain([Handler(None, _CONTEXT), Filters(None, _CONTEXT)])
    response = text(200, b"")
    chain.filter_head(request_of(), response)
    assert (b"X-Seen", b"1") in response.headers
    assert chain.filter_body(request_of(), response, b"a", True) == b"A"
    assert chain.filters_responses
    assert not Chain([Handler(None, _CONTEXT)]).filters_responses


def test_a_log_handler_that_raises_does_not_stop_the_others() -> None:
    logged: list[int] = []

    class Bad(Handler):
        def log(self, request: Request, response: Response) -> None:
            raise RuntimeError("bug")

    class Good(Handler):
        def log(self, request: Request, response: Response) -> None:
            logged.append(response.status)

    Chain([Bad(None, _CONTEXT), Good(None, _CONTEXT)]).log(request_of(), text(200, b""))
    assert logged == [200]


def test_the_smallest_body_limit_counts() -> None:
    class Needs(Handler):
        needs_body = True

        def __init__(self, limit: int) -> None:
            super().__init__(None, _CONTEXT)
            self.body_limit = limit

    assert not Chain([Handler(None, _CONTEXT)]).needs_body
    chain = Chain([Needs(0), Needs(200), Needs(100)])
    assert chain.needs_body
    assert chain.body_limit == 100


def _proceeding(done: list[int], *, to_the_end: bool = False) -> Handler:
    async def finish(response: Response) -> Response:
        done.append(response.status)
        return text(299, b"")

    async def access(_: Request) -> Proceed:
        return Proceed(finish, to_the_end)

    return _access(access)


async def test_a_response_passes_through_the_handler_that_proceeded() -> None:
    done: list[int] = []
    answer = Chain([_proceeding(done), _access(lambda _: text(201, b""))]).run(request_of())
    assert isinstance(answer, Pending)
    assert (await answer).status == 299
    assert done == [201]


async def test_one_that_proceeded_and_raises_is_a_500() -> None:
    async def finish(_: Response) -> Response:
        raise ValueError("a bug")

    async def access(_: Request) -> Proceed:
        return Proceed(finish)

    answer = Chain([_access(access), _access(lambda _: text(201, b""))]).run(request_of())
    assert isinstance(answer, Pending)
    assert (await answer).status == 500


@pytest.mark.parametrize("to_the_end", [True, False])
async def test_a_client_that_leaves_ends_it_unless_it_goes_to_the_end(to_the_end: bool) -> None:
    done: list[int] = []
    inner = Pending()
    began = asyncio.Event()

    def responding_late(_: Request) -> Pending:
        began.set()
        return inner

    chain = Chain([_proceeding(done, to_the_end=to_the_end), _access(responding_late)])
    answer = chain.run(request_of())
    assert isinstance(answer, Pending)
    await began.wait()
    await asyncio.sleep(0)
    answer.abandon()
    await asyncio.sleep(0)
    inner.resolve(text(201, b""))
    await asyncio.sleep(0.01)
    assert done == ([201] if to_the_end else [])


def test_the_wait_for_a_record_is_noted_where_the_chain_logs() -> None:
    class Produces(Handler):
        produces = True
        result: Response | Pending = Pending()

        def access(self, request: Request) -> Response | Pending:
            return self.result

    class Logs(Handler):
        def log(self, request: Request, response: Response) -> None:
            pass

    produces, logs = Produces(None, _CONTEXT), Logs(None, _CONTEXT)
    waits, buffered = request_of(), request_of()
    Chain([produces, logs]).run(waits)
    assert waits.waiting_since is not None
    Chain([produces]).run(buffered)
    assert buffered.waiting_since is None
    # Where only recorded traces are logged, the others need no time.
    logs.logs_recorded_traces = True
    for sampled in (True, False):
        traced = request_of()
        traced.passing = None if sampled else ()
        Chain([produces, logs]).run(traced)
        assert (traced.waiting_since is not None) is sampled
    produces.result = text(200, b"")
    Chain([produces, logs]).run(buffered)
    assert buffered.waiting_since is None


def test_a_watched_chain_tells_what_each_handler_did_and_the_other_does_not() -> None:
    told: list[tuple[str, str | None]] = []
    first = _access(lambda _: None)
    second = _access(lambda _: text(201, b""))
    chain = Chain([first, second], order=[(2, "first"), (1, "second")])
    assert _status(chain.watched(lambda name, did: told.append((name, did)))) == 201
    assert told == [("first", None), ("first", "passed"), ("second", None), ("second", "responds")]
    assert _status(chain) == 201
    assert len(told) == 4


def test_a_watched_chain_goes_on_being_watched_for_a_consumer() -> None:
    told: list[str] = []

    def find(request: Request) -> None:
        request.consumer = {"username": "ann"}

    special = Chain([_access(lambda _: text(202, b""))], order=[(1, "special")])
    chain = Chain([_access(find)], order=[(2, "who")], derive=lambda _: special)
    assert _status(chain.watched(lambda name, did: told.append(f"{name} {did}"))) == 202
    assert told == ["who None", "who passed", "special None", "special responds"]


def test_a_watched_handler_that_fails_is_told_of() -> None:
    told: list[str | None] = []

    def fail(_: Request) -> None:
        raise RequestRejected(403, "no")

    chain = Chain([_access(fail)], order=[(1, "x")])
    assert _status(chain.watched(lambda _, did: told.append(did))) == 403
    assert told == [None, "failed"]
