# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes on this machine, in namespaces of its own, for as long as it is used.

Two labs at once do not meet: each has its own network, mounts and processes (Linux namespaces), its
own control group and its own folder. Whatever a run that was killed left, files and empty control
groups, the next one removes.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import datetime
import fcntl
import ipaddress
import os
import platform
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tools.kubernetes import binaries, control_groups, packages
from tools.kubernetes.components import control_group, write_files
from tools.kubernetes.image import Image
from tools.kubernetes.layout import (
    API_ADDRESSES,
    API_NAMES,
    NODES,
    SECOND,
    STATE,
    USERS,
    Run,
    kubeconfig,
)
from tools.kubernetes.packages import ROOT

WITHIN = 30.0
CLONE_NEWNET = 0x40000000


class LabError(Exception):
    """The lab did not start; the text says which part and what it printed."""


def reason_against() -> str:
    """Return why no lab can run here, or nothing."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "a Kubernetes lab runs on Linux on x86-64 only"
    if os.geteuid() != 0:
        return "a Kubernetes lab needs root: containers and namespaces are made"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "a Kubernetes lab needs the kernel's overlay file system"
    lacking = [*packages.missing(), *binaries.missing()]
    if lacking:
        return f"`make test-kubernetes` has not fetched yet: {', '.join(lacking)}"
    return ""


class Lab:
    """One cluster; ``with Lab([images]) as lab`` starts it and leaves nothing of it."""

    def __init__(self, sandbox: Image, *images: Image, say: Callable[[str], None]) -> None:
        self.run = Run.new()
        self._sandbox, self._images, self._say = sandbox, images, say
        self._process: subprocess.Popen[str] | None = None
        self._lock: IO[str] | None = None
        self._two_nodes = False

    @property
    def kubeconfig(self) -> str:
        """The administrator's kubeconfig; it needs no other file."""
        return self.run.kubeconfig("admin").read_text()

    def __enter__(self) -> Lab:
        """Start it; LabError says what did not."""
        remove_leftovers(self._say)
        started = time.monotonic()
        self._lock = _hold(self.run)
        try:
            self._prepare()
            self._launch()
        except BaseException:
            self.close()
            raise
        self._say(f"Kubernetes {binaries.version()} up in {time.monotonic() - started:.1f} s")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and remove its files."""
        self.close()

    def _prepare(self) -> None:
        _credentials(self.run)
        runc, cni = packages.command("runc"), packages.cni_folder()
        if runc is None or cni is None:
            raise LabError(reason_against())
        write_files(self.run, runc, cni, self._sandbox.name)
        for node in NODES:
            control_groups.make(control_group(self.run, node))
        # A mount point with a fixed name; it stays empty outside.
        Path("/var/lib/kubelet").mkdir(exist_ok=True)

    def _launch(self) -> None:
        words = [
            word
            for image in (self._sandbox, *self._images)
            for word in (str(image.archive), image.name, image.by_digest)
        ]
        own = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        inside = (sys.executable, "-m", "tools.kubernetes.inside", str(self.run.folder))
        self._process = subprocess.Popen(
            ["unshare", *own, "--", *inside, *words],
            cwd=ROOT,
            env={**packages.environment(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A Ctrl-C is for this process, which then ends the lab in order.
            start_new_session=True,
        )
        self._until_ready()

    def _until_ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            if line.strip() == "ready":
                return
            said.append(line)
            self._say(line.rstrip())
        raise LabError("the lab did not start:\n" + "".join(said[-60:]))

    def add_node(self) -> str:
        """Have the second node in the cluster, and return its name."""
        assert self._process is not None
        assert self._process.stdin is not None
        if not self._two_nodes:
            self._process.stdin.write("join\n")
            self._process.stdin.flush()
            self._until_ready()
            self._two_nodes = True
        return SECOND.name

    def first_process(self) -> int:
        """Return the process id, as seen from here, of the lab's first process."""
        assert self._process is not None
        file = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(file.read_text().split()[0])

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Have this thread, those that it starts and its child processes in the lab's network."""
        with open("/proc/thread-self/ns/net") as home:
            with open(f"/proc/{self.first_process()}/ns/net") as there:
                _join(there)
            try:
                yield
            finally:
                _join(home)

    def environment(self) -> dict[str, str]:
        """Return the environment in which kubectl and helm know the cluster."""
        config = str(self.run.kubeconfig("admin"))
        return {
            **packages.environment(),
            "KUBECONFIG": config,
            "HELM_CACHE_HOME": str(self.run.file("helm", "cache")),
            "HELM_CONFIG_HOME": str(self.run.file("helm", "config")),
            "HELM_DATA_HOME": str(self.run.file("helm", "data")),
        }

    def adopt(self, pid: int) -> None:
        """Count a process outside the namespaces as the run's: it ends with it, at the latest
        when the next one removes what was left.
        """
        control_groups.adopt(self.run.name, pid)

    def close(self) -> None:
        """Stop it and remove its files; a second call does nothing."""
        process, self._process = self._process, None
        started = time.monotonic()
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.kill()  # and with it, by --kill-child, the first process and all others
            process.stdin.close()
            process.stdout.close()
            process.wait()
        if self._lock is not None:
            remove(self.run.folder)
            self._lock.close()
            self._lock = None
            self._say(f"Kubernetes lab gone in {time.monotonic() - started:.1f} s")


def _join(namespace: IO[Any]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


# --- what a run leaves ------------------------------------------------------------------------


def _hold(run: Run) -> IO[str]:
    """Make the run's folder and mark it as in use for as long as this process lives."""
    with packages.one_at_a_time():
        lock = run.file("lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def remove_leftovers(say: Callable[[str], None]) -> None:
    """Remove what runs left that could not do so themselves; those in progress stay."""
    with packages.one_at_a_time():
        for folder in sorted(STATE.glob("kafka-gateway-lab-*")) if STATE.is_dir() else []:
            if not _in_use(folder):
                say(f"removing what an earlier run left in {folder.relative_to(ROOT)}")
                remove(folder)


def _in_use(folder: Path) -> bool:
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def remove(folder: Path) -> None:
    """Remove a run's control group, processes of which are ended first, and its folder."""
    control_groups.remove(folder.name)
    deadline = time.monotonic() + WITHIN
    while folder.exists():
        # What was just ended may still be writing its last.
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)


# --- certificates and tokens ------------------------------------------------------------------


def _credentials(run: Run) -> None:
    """Write an authority, the API's certificate, the accounts' key and a token for each user."""
    os.chmod(run.folder, 0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("lab", authority_key, "lab", authority_key, authority=True)
    key = ec.generate_private_key(ec.SECP256R1())
    serving = _certificate("kube-apiserver", key, "lab", authority_key, authority=False)
    accounts = rsa.generate_private_key(65537, 2048)
    public = accounts.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = authority.public_bytes(serialization.Encoding.PEM)
    files = {
        "ca.crt": pem,
        "api.crt": serving.public_bytes(serialization.Encoding.PEM),
        "api.key": _private(key),
        "accounts.key": _private(accounts),
        "accounts.pub": public,
    }
    for name, content in files.items():
        run.file("pki", name).write_bytes(content)
    tokens = {label: secrets.token_hex(16) for label in USERS}
    lines = [f"{tokens[label]},{user},{label}" for label, (user, _) in USERS.items()]
    groups = [f",{group}" if group else "" for _, group in USERS.values()]
    text = "".join(f"{line}{group}\n" for line, group in zip(lines, groups, strict=True))
    run.file("pki", "tokens.csv").write_text(text)
    for label, token in tokens.items():
        known = kubeconfig(base64.b64encode(pem).decode(), token)
        run.kubeconfig(label).write_text(known)
        run.kubeconfig(label).chmod(0o600)


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in API_NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in API_ADDRESSES]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
