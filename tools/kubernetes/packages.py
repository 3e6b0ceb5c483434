# SPDX-License-Identifier: Apache-2.0
"""What the lab takes from Debian's packages, unpacked below .tools: the system stays as it is.

Commands that the machine has already are used from there; apt fetches only what is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.bootstrap import replacing, run
from tools.progress import say

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tools" / "kubernetes"
DEBIAN = FOLDER / "debian"
LIBRARIES = DEBIAN / "ld.so.cache"
"""Stands in for the system's own in the lab's mount namespace: buildah starts itself anew without
its environment, so a variable such as LD_LIBRARY_PATH would not do.
"""
PACKAGES: Mapping[str, str] = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
}
"""Command to package."""
CNI = "containernetworking-plugins"
CNI_FOLDERS = ("usr/lib/cni", "opt/cni/bin")
LEFT_OUT = {"login", "passwd"}
"""Only libsubid's packaging asks for these; the lab never calls them."""


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let no other run on this checkout fetch or build meanwhile."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment() -> dict[str, str]:
    """Return the environment in which the lab's commands are found."""
    folders = [FOLDER / "bin", *(DEBIAN / part for part in ("usr/sbin", "usr/bin", "sbin", "bin"))]
    # A user's PATH often lacks the folders of what only root runs.
    system = [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return {**os.environ, "PATH": os.pathsep.join([*map(str, folders), *system])}


def command(name: str) -> Path | None:
    """Return where a command is, or None."""
    found = shutil.which(name, path=environment()["PATH"])
    return Path(found) if found else None


def cni_folder() -> Path | None:
    """Return the folder with the network plugins ``bridge``, ``host-local`` and ``portmap``."""
    for root in (DEBIAN, Path("/")):
        for part in CNI_FOLDERS:
            if (root / part / "bridge").exists():
                return root / part
    return None


def missing() -> list[str]:
    """Return the packages of which something is not there."""
    found = [package for name, package in PACKAGES.items() if command(name) is None]
    if cni_folder() is None:
        found.append(CNI)
    return sorted(set(found))


def ensure() -> None:
    """Fetch and unpack what is missing, whole or not at all."""
    wanted = missing()
    if not wanted:
        return
    if shutil.which("apt-get") is None:
        raise SystemExit(f"install {', '.join(wanted)}: there is no apt-get here to fetch them")
    say(f"Kubernetes lab: fetching {', '.join(wanted)} into {DEBIAN.relative_to(ROOT)}")
    with replacing(DEBIAN) as folder:
        archives = folder / "archives"
        (archives / "partial").mkdir(parents=True)
        if _download(archives, wanted).returncode:
            run("apt-get", "update", "--quiet")
            done = _download(archives, wanted)
            if done.returncode:
                raise SystemExit(f"apt-get could not fetch {wanted}:\n{done.stderr[-2000:]}")
        for file in sorted(archives.glob("*.deb")):
            if file.name.split("_")[0] not in LEFT_OUT:
                run("dpkg-deb", "--extract", file, folder)
        shutil.rmtree(archives)
    libraries = sorted({str(file.parent) for file in DEBIAN.glob("**/*-linux-gnu*/*.so.*")})
    settings = DEBIAN / "ld.so.conf"
    settings.write_text("\n".join(["include /etc/ld.so.conf", *libraries, ""]))
    run("ldconfig", "-X", "-C", LIBRARIES, "-f", settings)


def _download(archives: Path, packages: list[str]) -> subprocess.CompletedProcess[str]:
    """Fetch the packages, and those that they need and that are not installed."""
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]
    command += ["--download-only", "--option", f"Dir::Cache::archives={archives}", *packages]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
    )
