# SPDX-License-Identifier: Apache-2.0
"""The images of the lab as OCI archives: a base with Python, the gateway's, the sandbox's.

``gateway/Dockerfile`` is built with buildah, without a daemon. Its base is one made of Debian's
packages with the same Python, so no container registry is needed; KUBERNETES_BASE_IMAGE names
another, or with ``pinned`` the one that the Dockerfile names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.bootstrap import digest, once, run
from tools.kubernetes import packages
from tools.kubernetes.binaries import BIN, PAUSE
from tools.kubernetes.packages import FOLDER, ROOT, one_at_a_time
from tools.progress import say

REPOSITORY = "registry.local/kafka-gateway"
GATEWAY = f"{REPOSITORY}:lab"
NEXT = f"{REPOSITORY}:next"
SANDBOX = "registry.local/pause:1"
BASE = "registry.local/python-base:1"
PINNED = "pinned"
IMAGES = FOLDER / "images"
DEBIAN_RELEASE = "bookworm"
DEBIAN_PYTHON = "python3,python3-venv,python-is-python3,ca-certificates"
WITHOUT = ("doc", "man", "locale", "info")
AUTHORITIES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables with which a machine behind a proxy names the authorities that pip is to trust."""


@dataclass(frozen=True)
class Image:
    """One image in an OCI archive: ``name`` with its tag, ``digest`` of its manifest."""

    archive: Path
    name: str
    digest: str

    @property
    def by_digest(self) -> str:
        """The reference that the stacks deploy."""
        return f"{self.name.rpartition(':')[0]}@{self.digest}"


def ensure() -> tuple[Image, Image]:
    """Return the sandbox's image and the gateway's, built if their inputs have changed."""
    with one_at_a_time():
        return _ensure()


def ensure_next() -> Image:
    """Return what the gateway's image is upgraded to: the smallest that the Dockerfile makes, for
    data planes alone and without a system around Python.
    """
    with one_at_a_time():
        inputs = digest(*_sources(), _base_reference())
        once("Kubernetes lab, next image", inputs, IMAGES / "next.tar", _next)
        return _image("next", NEXT)


def ensure_base() -> Image:
    """Return the base of the lab's own, which is there where ``ensure`` has built on it."""
    return _image("base", BASE)


def _ensure() -> tuple[Image, Image]:
    IMAGES.mkdir(parents=True, exist_ok=True)
    built = digest(*_sources(), _base_reference())
    once("Kubernetes lab, sandbox image", digest(BIN / PAUSE), IMAGES / "pause.tar", _sandbox)
    if not os.environ.get("KUBERNETES_BASE_IMAGE"):
        inputs = digest(DEBIAN_RELEASE, DEBIAN_PYTHON)
        once("Kubernetes lab, base image", inputs, IMAGES / "base.tar", _base)
    once("Kubernetes lab, gateway image", built, IMAGES / "gateway.tar", _gateway)
    return _image("pause", SANDBOX), _image("gateway", GATEWAY)


def _image(label: str, name: str) -> Image:
    archive = IMAGES / f"{label}.tar"
    return Image(archive, name, archive.with_suffix(".digest").read_text().strip())


def _sources() -> list[Path]:
    """Return what the Dockerfile copies, by .dockerignore's rules."""
    folder = ROOT / "gateway"
    found = [
        file
        for file in folder.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and file.relative_to(folder).parts[0] not in ("chart", "systemd")
    ]
    found += (ROOT / "native" / "wheels").iterdir()
    single = ["pyproject.toml", "README.md", "LICENSE"]
    single += ["tools/slim_image.py", "tools/minimal_root.py"]
    return sorted([*found, *(ROOT / name for name in single)])


def _base_reference() -> str:
    return os.environ.get("KUBERNETES_BASE_IMAGE") or BASE


def on_base(dockerfile: str, base: str, root: str = "full") -> tuple[str, str]:
    """Return the Dockerfile with ``base`` in place of the image that it pins and ``root`` in place
    of its argument, and what BASE_IMAGE has to be: buildah fetches even a base that is passed by,
    and takes no stage's name from an argument.
    """
    dockerfile = _replaced(dockerfile, r"^FROM \$\{ROOT\}$", f"FROM {root}")
    if base == PINNED:
        found = re.search(r"^FROM (\S+) AS pinned$", dockerfile, re.MULTILINE)
        return dockerfile, found.group(1) if found else PINNED
    return _replaced(dockerfile, r"^FROM \S+ AS pinned$", f"FROM {base} AS pinned"), base


def _replaced(dockerfile: str, line: str, by: str) -> str:
    changed, count = re.subn(line, by, dockerfile, flags=re.MULTILINE)
    if count != 1:
        raise SystemExit(f"gateway/Dockerfile has no line {line} any more, which the lab replaces")
    return changed


def _base() -> None:
    say(f"base image: Debian {DEBIAN_RELEASE} with Python, by mmdebstrap (a minute)")
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        root = Path(folder) / "root.tar"
        skipped = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in WITHOUT]
        wanted = ("--variant=minbase", f"--include={DEBIAN_PYTHON}", *skipped)
        _quietly("mmdebstrap", "--quiet", *wanted, DEBIAN_RELEASE, root)
        (Path(folder) / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
        _build(Path(folder), "base", BASE)


def _sandbox() -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        shutil.copy(BIN / PAUSE, Path(folder) / PAUSE)
        text = 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n'
        (Path(folder) / "Dockerfile").write_text(text)
        _build(Path(folder), "pause", SANDBOX)


def _gateway() -> None:
    say("gateway image: building gateway/Dockerfile (two minutes the first time)")
    _build_gateway("gateway", GATEWAY, "full", "all")


def _next() -> None:
    say("the gateway's smallest image: building gateway/Dockerfile")
    _build_gateway("next", NEXT, "minimal", "data-plane")


def _build_gateway(label: str, name: str, root: str, roles: str) -> None:
    arguments = [f"--build-arg=ROLES={roles}"]
    if index := os.environ.get("PIP_INDEX_URL"):
        arguments.append(f"--build-arg=PIP_INDEX_URL={index}")
    for variable in AUTHORITIES:
        if os.environ.get(variable):
            arguments.append(f"--secret=id=ca,src={os.environ[variable]}")
            break
    recipe = IMAGES / f"{label}.Dockerfile"
    text, base = on_base((ROOT / "gateway" / "Dockerfile").read_text(), _base_reference(), root)
    recipe.write_text(text)
    arguments += [f"--file={recipe}", f"--build-arg=BASE_IMAGE={base}"]
    arguments += [f"--ignorefile={ROOT / 'gateway' / 'Dockerfile.dockerignore'}"]
    _build(ROOT, label, name, *arguments)


def _build(context: Path, label: str, name: str, *arguments: str) -> None:
    # Docker's form of the configuration keeps HEALTHCHECK, which OCI's has no place for.
    options = ["--isolation", "chroot", "--layers", "--format", "docker"]
    if not os.environ.get("KUBERNETES_BASE_IMAGE"):
        options.append("--pull-never")
    _buildah("bud", *options, *arguments, "--tag", name, str(context))
    archive = IMAGES / f"{label}.tar"
    archive.unlink(missing_ok=True)
    to = f"oci-archive:{archive}:{name}"
    _buildah("push", "--format", "oci", f"--digestfile={archive.with_suffix('.digest')}", name, to)


def _buildah(verb: str, *arguments: str) -> None:
    policy = IMAGES / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    storage = FOLDER / "containers"
    _quietly(
        *("buildah", "--root", storage / "storage", "--runroot", storage / "run"),
        *("--storage-driver", "overlay", verb, "--quiet", f"--signature-policy={policy}"),
        *arguments,
    )


_PRIVATE = (
    f"[ ! -f '{packages.LIBRARIES}' ] || mount --bind '{packages.LIBRARIES}' /etc/ld.so.cache; "
    'exec "$@"'
)


def _quietly(name: str, *arguments: str | Path) -> None:
    """Run one of the lab's commands in a mount namespace of its own: no mount outlives it."""
    where = packages.command(name)
    if where is None:
        raise SystemExit(f"{name} is not here: run `make test-kubernetes`")
    environment = packages.environment()
    environment.setdefault("CONTAINERS_REGISTRIES_CONF", "/dev/null")
    run(
        "nice", "unshare", "--mount", "sh", "-c", _PRIVATE, "sh", where, *arguments, env=environment
    )


def unpacked_size(image: Image) -> int:
    """Return the bytes of an image's files as a node stores them."""
    script = 'import sys, tarfile; print(sum(m.size for m in tarfile.open(sys.argv[1], "r|*")))'
    total = 0
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        run("tar", "--extract", "--file", image.archive, "--directory", folder)
        for blob in (Path(folder) / "blobs" / "sha256").iterdir():
            if blob.read_bytes()[:2] == b"\x1f\x8b":
                counted = subprocess.run(
                    ["python3", "-c", script, blob], capture_output=True, text=True, check=True
                )
                total += int(re.sub(r"\D", "", counted.stdout))
    return total
