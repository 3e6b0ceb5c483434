# SPDX-License-Identifier: Apache-2.0
"""Kubernetes' own binaries and CoreDNS, built from their Go modules into .tools/kubernetes/bin.

``binaries/go.mod`` and ``coredns/go.mod`` pin what is built, as their ``go.sum`` pins the content.
A cold build takes two cores five minutes; afterwards nothing is done until a pin changes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tools.bootstrap import digest, once, run
from tools.helm import ensure as ensure_helm
from tools.kubernetes.packages import FOLDER
from tools.progress import say

HERE = Path(__file__).resolve().parent
BIN = FOLDER / "bin"
KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
COREDNS = "github.com/coredns/coredns"
PAUSE = "pause"
NEEDED = (*KUBERNETES, "coredns", PAUSE, "helm")


def version() -> str:
    """Return the version of Kubernetes that is pinned, such as ``1.33.4``."""
    text = (HERE / "binaries" / "go.mod").read_text()
    found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes v(\S+)", text, re.MULTILINE)
    assert found is not None
    return found.group(1)


def missing() -> list[str]:
    """Return the binaries that are not there."""
    return [name for name in NEEDED if not (BIN / name).exists()]


def ensure() -> None:
    """Build what is missing; a build that was interrupted goes on from Go's own cache."""
    BIN.mkdir(parents=True, exist_ok=True)
    for module, work in (("binaries", _kubernetes), ("coredns", _coredns), (PAUSE, _pause)):
        folder = HERE / module
        inputs = digest(*sorted(file for file in folder.iterdir() if file.is_file()))
        last = BIN / (KUBERNETES[-1] if module == "binaries" else module)
        once(f"Kubernetes lab, {module}", inputs, last, work)
    helm = BIN / "helm"
    helm.unlink(missing_ok=True)
    helm.symlink_to(ensure_helm())


def _kubernetes() -> None:
    say(f"Kubernetes {version()}: building it from Go modules (five minutes the first time)")
    major, minor = version().split(".")[:2]
    base = "k8s.io/component-base/version"
    flags = (
        f"-s -w -X {base}.gitVersion=v{version()} -X {base}.gitMajor={major} "
        f"-X {base}.gitMinor={minor}"
    )
    for name in KUBERNETES:
        _build("binaries", f"k8s.io/kubernetes/cmd/{name}", name, flags)


def _coredns() -> None:
    say("CoreDNS: building it from Go modules (three minutes the first time)")
    _build("coredns", COREDNS, "coredns", "-s -w")


def _pause() -> None:
    _build(PAUSE, ".", PAUSE, "-s -w")


def _build(module: str, package: str, name: str, flags: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise SystemExit("the lab's Kubernetes is built from Go modules: put Go 1.24 on PATH")
    # Below everything else that runs here: nobody waits for this build but its caller.
    build = (go, "build", "-trimpath", "-ldflags", flags, "-o", BIN / name, package)
    run("nice", *build, cwd=HERE / module, env={"CGO_ENABLED": "0"})


def kubectl_version() -> str:
    """Return what the lab's kubectl says of itself."""
    done = subprocess.run(
        [BIN / "kubectl", "version", "--client"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
