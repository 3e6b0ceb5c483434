# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.names.addresses import (
    bare_host,
    host_problem,
    port_problem,
    server_problem,
    split_server,
    topic_problem,
    url_problem,
    without_userinfo,
)

HOSTS = [
    "kafka", "a.b.example", "xxx-yyyyy.us-east-2.aws.confluent.cloud", "10.0.0.1", "::1", "[::1]",
    "kafka_1", "host.example.", "2001:db8::1", "1password.example", "a" * 63 + ".b",
    "redis.1", "1.redis.2.",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert host_problem(host) == ""


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("SASL_SSL://host", "is a URL; write 'host' as the host, and set TLS and SASL"),
        ("SASL_SSL://host:9092", "write 'host' as host and 9092 as port"),
        ("https://host/", "is a URL; write 'host' as the host"),
        ("http://host:80/a?b", "write 'host' as host and 80 as port"),
        ("PLAINTEXT://host", "is a URL"),
        ("host:9092", "has a port in it; write 'host' as host and 9092 as port"),
        ("[::1]:9092", "has a port in it; write '[::1]' as host and 9092 as port"),
        (":9092", "has a port in it; write the host's name alone"),
        ("host:", "has a port in it; write 'host' as the host"),
        (" host ", "has blanks in it; write 'host'"),
        ("host\n", "has blanks in it; write 'host'"),
        ("a b", "has blanks in it; name one host"),
        ("a,b", "names several hosts"),
        ("user:pw@host", "has an @ in it"),
        ("host/path", "has a path in it; write 'host' as the host"),
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("müller.example", "neither a host name nor an address"),
        ("a..b", "neither"),
        ("-a", "neither"),
        ("256.1.1.1", "neither"),
        ("1.2.3", "neither"),
        ("1.2.3.4.", "neither"),
        ("1", "neither"),
        ("a" * 64, "neither"),
        ("a." * 127 + "aa", "neither"),
        ("[::1", "neither"),
        ("$x", "neither"),
    ],
)
def test_what_is_no_host_alone_is_refused_with_the_remedy(host: str, said: str) -> None:
    assert said in host_problem(host)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_that_nothing_connects_to_are_refused(port: int) -> None:
    assert "from 1 to 65535" in port_problem(port)


@pytest.mark.parametrize("name", ["a", "a.b", "..a", "A-_.9", "x" * 249])
def test_kafkas_topic_names_are_taken(name: str) -> None:
    assert topic_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "must not be empty"),
        (" ", "must not be empty"),
        ("a b", "Kafka allows no blank in it"),
        (" a", "write 'a'"),
        ("a\n", "write 'a'"),
        ("a/b", "Kafka allows no '/' in it"),
        ("a,b", "no ',' in it"),
        ("ü", "no 'ü' in it"),
        ("a\0b", r"no '\x00' in it"),
        (".", "any but '.' and '..'"),
        ("..", "any but '.' and '..'"),
        ("x" * 250, "has 250 letters; Kafka allows 249"),
    ],
)
def test_names_that_no_topic_can_have_are_refused(name: str, said: str) -> None:
    assert said in topic_problem(name)


@given(st.text(max_size=260) | st.from_regex(r"\A[a-zA-Z0-9._-]{0,251}\Z"))
def test_topic_names_follow_kafkas_rule(name: str) -> None:
    legal = re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) is not None and name not in (".", "..")
    assert (topic_problem(name) == "") is legal


@pytest.mark.parametrize("host", HOSTS)
def test_a_server_is_split_as_it_was_put_together(host: str) -> None:
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    assert split_server(f"{bracketed}:9092") == (host.strip("[]"), 9092)
    assert split_server(f"SASL_SSL://{bracketed}:9092", scheme="SASL_SSL") == (
        host.strip("[]"),
        9092,
    )


def test_connections_take_addresses_without_brackets() -> None:
    for host, bare in (("[::1]", "::1"), ("::1", "::1"), ("a.test", "a.test")):
        assert bare_host(host) == bare


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("host", "is not host:port; add the port"),
        ("host:0", "0 is no port"),
        ("host:99999", "99999 is no port"),
        ("host:", "0 is no port"),
        ("https://host:1", "is a URL"),
        (" host:1", "blanks"),
        ("a b:1", "blanks"),
        ("", "must not be empty"),
    ],
)
def test_what_is_no_server_is_refused(server: str, said: str) -> None:
    assert said in server_problem(server)
    with pytest.raises(ValueError, match=re.escape(said)):
        split_server(server)


@pytest.mark.parametrize("url", ["http://a", "https://a.b:8081/path/", "HTTPS://10.0.0.1:1/"])
def test_addresses_over_http_are_urls(url: str) -> None:
    assert url_problem(url) == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("registry:8081", "must begin with http:// or https://"),
        ("ftp://a", "must begin with"),
        ("SASL_SSL://a:1", "must begin with"),
        ("https://", "no usable host"),
        ("https:///path", "no usable host"),
        ("https://a b", "blanks"),
        (" https://a", "blanks"),
        ("https://a:0", "0 is no port"),
        ("https://a:70000", "no port from 1 to 65535"),
        ("https://[::1", "or no host"),
        ("https://a?b=c", "a ? in it"),
        ("https://a#b", "a # in it"),
        ("https://u:secret@a", "credentials"),
        ("", "must not be empty"),
    ],
)
def test_what_is_no_url_is_refused_without_showing_a_secret(url: str, said: str) -> None:
    assert said in url_problem(url)
    assert "secret" not in url_problem(url)


def test_a_url_is_shown_without_its_credentials() -> None:
    assert without_userinfo("https://u:p@a/b@c") == "https://a/b@c"


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(text: str) -> None:
    for problem in (host_problem, server_problem, topic_problem, url_problem):
        assert isinstance(problem(text), str)
