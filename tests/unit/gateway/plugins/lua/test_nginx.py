# SPDX-License-Identifier: Apache-2.0
"""What chunks do by ``ngx``, over real sockets, by the rules of Kong's own tests."""

from __future__ import annotations

import pytest

from tests.support.policies import policy_gateway
from tests.support.upstream import answering, ok

NAME = "pre-function"


@pytest.mark.parametrize(
    ("chunks", "status", "body"),
    [
        # Without a body of its own nginx has a page for the status: Kong's, where it has one.
        (["ngx.status = 503 ngx.exit(ngx.status)"], 503, b"The upstream server is currently"),
        (["ngx.status = 400", "ngx.exit(ngx.status)"], 400, b"Bad request\n"),
        (["ngx.exit(ngx.HTTP_FORBIDDEN)"], 403, b""),
        (["ngx.status = 404 ngx.say('Not Found') ngx.exit(ngx.status)"], 404, b"Not Found\n"),
        # What was said has gone out with the status of that time.
        (["ngx.say('a') ngx.exit(500)"], 200, b"a\n"),
        (["ngx.print('a', 1, nil, true, {'b', 2.5})"], 200, b"a1niltrueb2.5"),
        (["ngx.req.read_body() ngx.say(ngx.req.get_body_data() + 1)"], 200, b"8\n"),
        (["ngx.say(ngx.status)"], 200, b"0\n"),
    ],
)
async def test_a_chunk_ends_the_request_as_nginx_does(
    chunks: list[str], status: int, body: bytes
) -> None:
    async with policy_gateway((NAME, {"access": chunks})) as gateway:
        response = await gateway.ask("/", method="POST", body=b"7")
        assert response.status == status
        assert response.body.startswith(body)
        assert gateway.seen == []


async def test_its_headers_are_named_with_underscores_too() -> None:
    chunk = "ngx.header.content_type = 'text/x' ngx.header['X-A'] = 'a' ngx.say('b')"
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        response = await gateway.ask()
        assert response.headers["content-type"] == "text/x"
        assert response.headers["x-a"] == "a"


async def test_no_status_is_left_to_the_next_request() -> None:
    chunk = "if ngx.var.arg_set then ngx.status = 418 end ngx.say(ngx.status)"
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        assert (await gateway.ask("/?set=1")).body == b"418\n"
        assert (await gateway.ask()).body == b"0\n"


async def test_the_status_of_a_response_is_changed_before_its_head_is_sent() -> None:
    config = {"header_filter": ["ngx.status = ngx.status + 1"], "log": ["ngx.status = 500"]}
    async with policy_gateway((NAME, config)) as gateway:
        assert (await gateway.ask()).status == 201


@pytest.mark.parametrize(("value", "query"), [("nil", ""), ("'c=1'", "?c=1")])
async def test_the_arguments_are_a_variable_that_can_be_set(value: str, query: str) -> None:
    async with policy_gateway((NAME, {"access": [f"ngx.var.args = {value}"]})) as gateway:
        await gateway.ask("/x?a=b")
        assert gateway.line == f"GET /x{query} HTTP/1.1"


@pytest.mark.parametrize(
    ("chunk", "shown"),
    [
        ("ngx.encode_base64('a\\255')", b"Yf8="),
        ("ngx.decode_base64('YQ==')", b"a"),
        ("ngx.decode_base64('no!')", b"nil"),
        ("ngx.md5('a')", b"0cc175b9c0f1b6a831c399e269772661"),
        ("ngx.escape_uri('a b/c')", b"a%20b%2Fc"),
        ("ngx.unescape_uri('a+b%20c')", b"a b c"),
        ("type(ngx.worker.pid())", b"number"),
    ],
)
async def test_texts_are_written_in_other_forms(chunk: str, shown: bytes) -> None:
    async with policy_gateway((NAME, {"access": [f"ngx.print(tostring({chunk}))"]})) as gateway:
        assert (await gateway.ask()).body == shown


@pytest.mark.parametrize(
    "chunk",
    ["ngx.exit('x')", "ngx.exit(99)", "ngx.status = {}", "ngx.say(('x'):rep(2^20 + 1))"],
)
async def test_what_cannot_be_a_response_is_a_500(chunk: str) -> None:
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        assert (await gateway.ask()).status == 500


async def test_headers_set_in_early_phases_are_those_of_whatever_response_follows() -> None:
    access = (
        "kong.response.set_header('X-A', 'ours') kong.response.add_header('X-B', 1)"
        "kong.response.add_header('X-B', 2) ngx.header['X-C'] = kong.response.get_header('X-A')"
    )
    script = answering(ok(b"hello", b"X-A: theirs"))
    async with policy_gateway((NAME, {"access": [access]}), script=script) as gateway:
        response = await gateway.ask()
        assert response.body == b"hello"
        assert response.head.count(b"\r\nX-A: ") == 1
        assert response.headers["x-a"] == response.headers["x-c"] == "ours"
        assert response.head.count(b"\r\nX-B: ") == 2
    ends: tuple[str, dict[str, str]] = ("key-auth", {})
    async with policy_gateway((NAME, {"access": [access]}), ends) as gateway:
        response = await gateway.ask()
        assert (response.status, response.headers["x-a"]) == (401, "ours")


async def test_chunks_keep_values_of_their_own_from_one_request_to_the_next() -> None:
    chunk = """
        local arguments = kong.request.get_query()
        if arguments.forget then kong.cache:invalidate('a') end
        local function make(text)
          if arguments.fail then return nil, 'failed' end
          return text .. ngx.now()
        end
        local value, problem, level = kong.cache:get('a', {ttl = 60}, make, 'made at ')
        ngx.print(tostring(value), ' ', tostring(problem), ' ', tostring(level))
    """
    other = "ngx.print(tostring(kong.cache:get('a')), tostring(kong.cache.cluster_events))"
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        assert (await gateway.ask("/?fail=1")).body == b"nil failed nil"
        first = (await gateway.ask()).body
        assert first.startswith(b"made at ")
        assert first.endswith(b" nil 3")
        assert (await gateway.ask()).body == first[:-1] + b"1"
        assert (await gateway.ask("/?forget=1&fail=1")).body == b"nil failed nil"
    async with policy_gateway((NAME, {"access": [other]})) as gateway:
        assert (await gateway.ask()).body == b"nilnil"


async def test_a_value_goes_with_its_time_and_many_make_room() -> None:
    chunk = """
        local cache = kong.cache
        local function one() return 1, nil, 0.0001 end
        cache:get('short', nil, one)
        local start = ngx.now()
        while ngx.now() < start + 0.01 do end
        local gone = cache:get('short') == nil
        for n = 1, 3000 do cache:get('key ' .. n, nil, function() return n end) end
        ngx.print(tostring(gone), cache:get('key 3000'), tostring(cache:get('key 1')))
    """
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        assert (await gateway.ask()).body == b"true3000nil"


async def test_the_phase_may_be_ended_without_the_request() -> None:
    chunks = ["kong.service.request.set_header('X-A', '1') ngx.exit(ngx.OK)", "ngx.exit(403)"]
    async with policy_gateway((NAME, {"access": chunks})) as gateway:
        assert (await gateway.ask()).status == 200
        assert gateway.header("x-a") == ["1"]


@pytest.mark.parametrize(
    ("arguments", "status"), [("'/new'", 302), ("'/new', 301", 301), ("'/new', 308", 308)]
)
async def test_a_client_is_sent_elsewhere(arguments: str, status: int) -> None:
    async with policy_gateway((NAME, {"access": [f"ngx.redirect({arguments})"]})) as gateway:
        response = await gateway.ask()
        assert (response.status, response.headers["location"]) == (status, "/new")


@pytest.mark.parametrize("arguments", ["", "'/a', 200", "'/a', 'x'", "{}"])
async def test_what_is_no_redirection_is_a_500(arguments: str) -> None:
    async with policy_gateway((NAME, {"access": [f"ngx.redirect({arguments})"]})) as gateway:
        assert (await gateway.ask()).status == 500


async def test_a_redirection_is_one_line() -> None:
    chunk = r"ngx.redirect('/a\r\nX-Evil: 1')"
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        response = await gateway.ask()
        assert "x-evil" not in response.headers
