# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka's jars: fetched from a Maven repository, with or without Maven, and verified.

Only the standard library is used, since nothing is installed yet.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.progress import tell

CHECKSUMS = Path(__file__).resolve().parent / "kafka" / "jars.sha256"
PATHS = CHECKSUMS.with_name("jars.paths")
"""Where each jar stands in a Maven repository."""
MAVEN_REPOSITORY = os.environ.get("MAVEN_REPOSITORY_URL", "https://repo.maven.apache.org/maven2")
_TIMEOUT_SECONDS = 60


def download_jars(folder: Path, repository: str = MAVEN_REPOSITORY) -> None:
    """Fetch every jar of ``PATHS`` from ``repository`` into the new ``folder``, eight at a time.

    Raises:
        SystemExit: one cannot be had; it is named, with what to do.
    """
    folder.mkdir()
    paths = PATHS.read_text().split()

    def download(path: str) -> None:
        url = f"{repository.rstrip('/')}/{path}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the user's
                (folder / path.rpartition("/")[2]).write_bytes(response.read())
        except (urllib.error.URLError, OSError) as problem:
            if isinstance(problem, urllib.error.HTTPError):
                problem.close()
            raise SystemExit(
                f"Apache Kafka: {url} cannot be downloaded ({problem}). Set MAVEN_REPOSITORY_URL "
                "to a repository that can be reached, or put mvn on PATH"
            ) from None

    with ThreadPoolExecutor(8) as pool:
        for done, _ in enumerate(pool.map(download, paths), 1):
            tell(done, len(paths))


def verify_jars(folder: Path, checksums: Path = CHECKSUMS) -> None:
    """Check that ``folder`` holds exactly the jars of ``checksums`` (the form of sha256sum).

    Raises:
        SystemExit: a jar differs, is missing or is not in the list; it is named.
    """
    wanted = {name: code for code, name in map(str.split, checksums.read_text().splitlines())}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    wrong = [
        f"{name}: sha256 {found.get(name, 'missing')}, expected {wanted.get(name, 'no such jar')}"
        for name in sorted(wanted.keys() | found.keys())
        if found.get(name) != wanted.get(name)
    ]
    if wrong:
        listed = "\n  ".join(wrong)
        raise SystemExit(
            f"Kafka's jars are not those of {checksums.name}, nothing was installed:\n  {listed}\n"
            "If you changed tools/kafka/pom.xml, write their checksums into it; otherwise do not "
            "trust the Maven repository or mirror that they came from, and clear ~/.m2/repository"
        )
