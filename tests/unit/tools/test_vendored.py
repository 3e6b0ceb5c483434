# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.vendored import FOLDER, PACKAGES, NpmPackage, WrongDigest, unpack


def archive(path: Path, **files: bytes) -> NpmPackage:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return NpmPackage("x", "1.0.0", digest, {name: f"here-{name}" for name in files})


def test_an_archive_gives_its_files_by_their_names_here(tmp_path: Path) -> None:
    package = archive(tmp_path / "x.tgz", a=b"one", b=b"two")
    assert unpack(package, tmp_path / "x.tgz") == {"here-a": b"one", "here-b": b"two"}


def test_another_archive_is_refused(tmp_path: Path) -> None:
    package = replace(archive(tmp_path / "x.tgz", a=b"one"), sha256="0" * 64)
    with pytest.raises(WrongDigest, match="not 000"):
        unpack(package, tmp_path / "x.tgz")


def test_every_file_is_committed_and_none_beside_them() -> None:
    named = {name for package in PACKAGES for name in package.files.values()}
    assert {path.name for path in FOLDER.iterdir()} == named
