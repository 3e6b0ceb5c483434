# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.serving import serving
from tools import kafka_jars


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """A Maven repository on loopback whose jars hold their own names."""
    for path in kafka_jars.PATHS.read_text().split():
        jar = tmp_path / "repository" / path
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.write_text(jar.name)
    handler = partial(Quiet, directory=str(tmp_path / "repository"))
    with serving(handler) as url:
        yield f"{url}/"


def test_every_jar_with_a_checksum_has_a_path() -> None:
    listed = [line.split()[1] for line in kafka_jars.CHECKSUMS.read_text().splitlines()]
    paths = kafka_jars.PATHS.read_text().split()
    assert [path.rpartition("/")[2] for path in paths] == listed
    for path in paths:
        *_, name, version, file = path.split("/")
        assert file == f"{name}-{version}.jar"


def test_all_jars_are_fetched(repository: str, tmp_path: Path) -> None:
    kafka_jars.download_jars(tmp_path / "libs", repository)
    found = {file.name: file.read_text() for file in (tmp_path / "libs").iterdir()}
    assert len(found) == len(kafka_jars.PATHS.read_text().split())
    assert all(name == content for name, content in found.items())


def test_a_jar_that_cannot_be_had_is_named_with_what_to_set(
    repository: str, tmp_path: Path
) -> None:
    path = kafka_jars.PATHS.read_text().split()[-1]
    (tmp_path / "repository" / path).unlink()
    with pytest.raises(SystemExit) as failed:
        kafka_jars.download_jars(tmp_path / "libs", repository)
    assert f"{repository}{path} cannot be downloaded (HTTP Error 404" in str(failed.value)
    assert "MAVEN_REPOSITORY_URL" in str(failed.value)


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    """Two jars, with their checksums beside the folder."""
    folder = tmp_path / "libs"
    folder.mkdir()
    for name in ("a-1.jar", "b-2.jar"):
        (folder / name).write_text(name)
    codes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    lines = [f"{code}  {name}\n" for name, code in codes.items()]
    (tmp_path / "jars.sha256").write_text("".join(lines))
    return folder


def test_jars_with_the_listed_checksums_are_taken(jars: Path) -> None:
    kafka_jars.verify_jars(jars, jars.parent / "jars.sha256")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("b-2.jar", "another", r"b-2\.jar: sha256 [0-9a-f]{64}, expected [0-9a-f]{64}"),
        ("b-2.jar", None, r"b-2\.jar: sha256 missing, expected [0-9a-f]{64}"),
        ("c-3.jar", "one more", r"c-3\.jar: sha256 [0-9a-f]{64}, expected no such jar"),
    ],
)
def test_a_jar_that_is_not_the_listed_one_is_named_and_nothing_is_installed(
    jars: Path, name: str, content: str | None, said: str
) -> None:
    if content is None:
        (jars / name).unlink()
    else:
        (jars / name).write_text(content)
    with pytest.raises(SystemExit, match=said) as caught:
        kafka_jars.verify_jars(jars, jars.parent / "jars.sha256")
    assert "a-1.jar" not in str(caught.value)
