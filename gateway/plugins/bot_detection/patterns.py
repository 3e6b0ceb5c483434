# SPDX-License-Identifier: Apache-2.0
"""Regular expressions over the header User-Agent, and which clients are bots by themselves.

By RE2: no pattern and no header can make a search take long.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import re2

_GENERAL = (
    # "bot" as the end of a word, but for the telephones of Cubot.
    r"[^C][^Uu][Bb]ot",
    r"[Bb]ot[/ ]\d",
    r"(?i:spider|crawl)",
    r"[Ss]crape",
    r"(?:[Aa]rchiver|[Ii]ndexer)[/ ]\d",
)
_NAMES = (
    r"facebookexternalhit/\d",
    r"Google.*/\+/web/snippet",
    r"AppEngine-Google|Ask Jeeves|BingPreview|BlogBridge|\w*favicon|GomezAgent|Genieo|heritrix",
    r"htdig|ia_archiver|InternetArchive|larbin|Mediapartners-Google|Netvibes|Nutch|PagePeeker",
    r"SimplePie|SimpleRSS|Slurp|Scrapy|WhatWeb|WordPress|Xenu|Yahoo[a-z]*Seeker|Yandex\w|\bYeti",
    r"PTST/\d",
    # Those that are followed by a version, at once or after a word.
    r"(?:008|Altresium|Argus|BaiduMobaider|BoardReader|DNSGroup|DataparkSearch|EDI|Goodzer|Grub)/\d",
    r"(?:INGRID|Infohelfer|LOOQ|PathDefender|Peew|PostPost|Steeler|VSE|WebCrunch|WebZIP)/\d",
    r"(?:Y!J-BR[A-Z]|YahooSeeker|envolk|sproose|wminer)/\d",
    r"/(?:Axtaris|fetchurl|Isara|ShopSalad|Tailsweep)[ -]\d",
    # Those that are known by their name alone.
    r"1470\.net|50\.nu|Aboundex|Accoona-[A-z]+-Agent|altavista|archive.*?\.org_bot|archiver",
    r"AdsBot-Google|BoardReader|boitho.com-dc|BotSeer|[Cc]harlotte|Checklinks|Daumoa|findlinks",
    r"Flamingo_SearchEngine|gonzo1|Google SketchUp|grub-client|HiddenMarket|holmes|HooWWWer",
    r"Icarus6j|ichiro|IconSurf|IlTrovatore|InfuzApp|Kraken|Kurzor|LEIA|LinkAider|Llaut|lycos",
    r"Mail\.RU_Bot|masidani_bot|mogimogi|mozDex|netresearch|NewsGator|^NING|Nymesis|ObjectsSearch",
    r"Orbiter|OOZBOT|PagesInventory|PaxleFramework|PlantyNet_WebRobot|Pompos|Read%20Later|Reaper",
    r"RedCarpet|Retreiver|Riddler|Rival IQ|scooter|Scrubby|searchsight|semanticdiscovery|Simpy",
    r"SEOstats|SiteCon|snappy|Squrl Java|Thumbshots\.ru|URL2PNG|Vagabondo|^vortex|^voyager",
    r"Web-sniffer|WebThumb|WeSEE:[A-z]|WIRE|Wotbox|www\.almaden\.ibm\.com|yacy|YottaaMonitor",
    r"Yowedo|^Zao|ZooShot|ZyBorg",
)
_LIBRARIES = (
    r"Google-HTTP-Java-Client|Apache-HttpClient|Go-http-client|http%20client|Python-urllib",
    r"HttpMonitor|TLSProber|WinHTTP|JNLP|okhttp|aihttp|reqwest|axios",
    r"unirest-(?:java|python|ruby|nodejs|php|net)",
    r"(?:AWS|[Bb]oto3?|s3fs)/\d",
)


class Patterns:
    """Several regular expressions, searched at once; none match nothing."""

    def __init__(self, patterns: Iterable[str]) -> None:
        joined = "|".join(f"(?:{pattern})" for pattern in patterns)
        self._search: Any = _compiled(joined).search if joined else None

    def match(self, text: bytes) -> bool:
        """Tell whether any of them is anywhere in a text."""
        return self._search is not None and self._search(text) is not None


def well_known_bots() -> Patterns:
    """Return what the families of bots and of HTTP libraries call themselves.

    They are those that Kong's list covers, which is taken from the project uap-core.
    """
    return Patterns((*_GENERAL, *_NAMES, *_LIBRARIES))


def problem_of(pattern: str) -> str:
    """Return what is wrong with a regular expression; an empty text when nothing is."""
    try:
        _compiled(pattern)
    except re2.error as error:
        return str(error.args[0].decode() if isinstance(error.args[0], bytes) else error)
    return ""


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    # Headers are bytes: as UTF-8, what is none would match no class of characters.
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)
