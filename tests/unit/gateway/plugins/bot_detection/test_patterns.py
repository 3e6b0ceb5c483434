# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.bot_detection.patterns import Patterns, problem_of, well_known_bots

BOTS = well_known_bots()


@pytest.mark.parametrize(
    "agent",
    [
        "Googlebot/2.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "bingbot/2.0",
        "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        "facebookexternalhit/1.1",
        "Mozilla/5.0 (Google (+https://developers.google.com/+/web/snippet/)",
        "Twitterbot/1.0",
        "Baiduspider/2.0",
        "YandexBot/3.0",
        "Mozilla/4.0 (compatible; MSIE 5.0; Windows 98; DigExt; MSIECrawler)",
        "Go-http-client/1.1",
        "Apache-HttpClient/4.5.13 (Java/11)",
        "okhttp/4.9.0",
        "axios/1.6.0",
        "reqwest/0.11",
        "Python-urllib/3.11",
        "unirest-java/1.3.11",
        "Boto3/1.26 Python/3.11",
        "crawl-e/0.6",
        "ia_archiver",
        "some indexer 3",
        "my scraper",
        "Scrapy/2.11",
        "Mozilla/5.0 AppleWebKit/537.36 PTST/230101",
        "\xff\xfe\xffbot",
        "008/0.83",
        "YahooSeeker/1.2",
        "x/fetchurl 1.0",
        "Mozilla/4.0 (compatible; grub-client-1.4.3)",
        "lycos",
        "charlotte/1.1",
        "voyager/1.0",
        "WIRE/0.22 (Linux; i686)",
        "Mozilla/5.0 (compatible; ZyBorg/1.0)",
    ],
)
def test_bots_and_libraries_are_known(agent: str) -> None:
    assert BOTS.match(agent.encode("latin-1"))


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "curl/8.5.0",
        "python-requests/2.31.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36",
        "PostmanRuntime/7.36.0",
        "kafka-client/1.0",
        "Wget/1.21",
        "my-voyager/1.0",
        "argus",
    ],
)
def test_browsers_and_plain_tools_are_not(agent: str) -> None:
    assert not BOTS.match(agent.encode())


def test_patterns_are_searched_anywhere_over_bytes_of_any_kind() -> None:
    found = Patterns(["^a|b$", "ä."])
    assert found.match(b"ax")
    assert found.match(b"xb")
    assert found.match("xäy".encode())
    assert not found.match(b"xay")
    assert not Patterns([]).match(b"anything")


def test_what_is_no_regex_is_told() -> None:
    assert problem_of("a(b") == "missing ): a(b"
    assert "invalid perl operator" in problem_of("a(?=b)")
    assert problem_of("a|b") == ""
