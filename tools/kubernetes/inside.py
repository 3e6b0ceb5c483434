# SPDX-License-Identifier: Apache-2.0
"""The first process of the lab's namespaces: mounts, network, components; it ends with its stdin.

Started by ``lab.py`` in network, mount and process namespaces of its own. When this process ends,
for whatever reason, the kernel ends every other one in there, containers too, and with the last of
them the mounts and the network go. Its stdin is a pipe that only the user's process holds open, so
even one that was killed leaves nothing running.

Prints a line for each step; the last one is ``ready``.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from tools.kubernetes import controllers, packages
from tools.kubernetes.api import Api
from tools.kubernetes.components import commands
from tools.kubernetes.layout import FIRST, NODE_ADDRESS, SECOND, SERVICE_NETWORK, Node, Run

KERNEL_WIDE = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""What a kubelet sets for the whole machine: here it writes to files of its own instead."""
PRIVATE = ("/run", "/var/log", "/var/lib/kubelet")
"""Folders with fixed names that containerd, network plugins and kubelet write to."""
WITHIN = 120.0
"""Seconds that a step may take; on an idle machine all of them take five."""


class Inside:
    """One control plane and its nodes, in the namespaces of this process."""

    def __init__(self, run: Run, images: list[tuple[Path, str, str]]) -> None:
        self._run, self._images = run, images
        self._started = time.monotonic()
        self._running: dict[int, str] = {}
        self._commands = commands(run)
        self._api = Api(run.kubeconfig("admin"))

    def start(self) -> None:
        """Start everything and wait until it answers."""
        _mount(self._run)
        _call("ip", "link", "set", "lo", "up")
        _call("ip", "addr", "add", f"{NODE_ADDRESS}/32", "dev", "lo")
        # Somewhere to go to, for connections that kube-proxy then sends to a pod.
        _call("ip", "route", "add", SERVICE_NETWORK, "dev", "lo", "src", NODE_ADDRESS)
        self._launch("etcd", FIRST.containerd, "apiserver")
        self._import_images(FIRST)
        self._until("API ready", lambda: self._api.text("/readyz") == "ok")
        self._launch("controller-manager", "scheduler", FIRST.kubelet, "proxy", "dns")
        self._until("node ready", lambda: self._node_ready(FIRST))
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._until("accounts are made", lambda: self._api.exists(account))
        self._until("Services are reachable", _proxy_healthy)
        self._until("names resolve", _dns_answers)
        volumes = self._run.folder / "volumes"
        threading.Thread(target=controllers.run, args=(self._api, volumes), daemon=True).start()
        print("ready", flush=True)

    def _import_images(self, node: Node) -> None:
        self._until("containerd answers", lambda: _succeeds(*_ctr(node, "version")))
        for archive, name, by_digest in self._images:
            _call(*_ctr(node, "--namespace", "k8s.io", "images", "import", str(archive)))
            _call(*_ctr(node, "--namespace", "k8s.io", "images", "tag", name, by_digest))
        self._say("images imported")

    def join(self, node: Node) -> None:
        """Have one more node, in the same network as the first."""
        self._started = time.monotonic()
        _call("ip", "addr", "add", f"{node.address}/32", "dev", "lo")
        Path(node.runtime).mkdir()
        self._launch(node.containerd)
        self._import_images(node)
        self._launch(node.kubelet)
        self._until(f"{node.name} ready", lambda: self._node_ready(node))
        print("ready", flush=True)

    def stay(self) -> int:
        """Reap what ends until stdin does; a component that ends is an error. A line of stdin is
        the wish for the second node.
        """
        while True:
            if select.select([sys.stdin], [], [], 0.5)[0]:
                if not os.read(sys.stdin.fileno(), 64):
                    return 0
                self.join(SECOND)
            if name := self._reap():
                print(f"{name} ended; its log: {self._run.log(name)}", flush=True)
                return 1

    def _reap(self) -> str:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ""
            if pid == 0:
                return ""
            if pid in self._running:
                return self._running[pid]

    def _launch(self, *names: str) -> None:
        for name in names:
            with self._run.log(name).open("ab") as log:
                process = subprocess.Popen(
                    self._commands[name],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=packages.environment(),
                )
            self._running[process.pid] = name
            process.returncode = 0  # reaped by pid: Python is not to wait for it

    def _until(self, step: str, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + WITHIN
        while not _true(holds):
            self._check()
            if time.monotonic() > deadline:
                self._fail(f"not within {WITHIN:.0f} s: {step}", self._running.values())
            time.sleep(0.05)
        self._say(step)

    def _check(self) -> None:
        for pid, name in self._running.items():
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._fail(f"{name} ended", [name])

    def _fail(self, text: str, logs: Iterable[str]) -> NoReturn:
        print(text, flush=True)
        for name in logs:
            lines = self._run.log(name).read_text(errors="replace").splitlines()
            print("\n".join([f"--- {name}", *lines[-8:]]), flush=True)
        sys.exit(1)

    def _say(self, step: str) -> None:
        print(f"{time.monotonic() - self._started:6.2f} s  {step}", flush=True)

    def _node_ready(self, node: Node) -> bool:
        found = self._api.get(f"/api/v1/nodes/{node.name}")
        conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}
        return conditions.get("Ready") == "True"


def _true(holds: Callable[[], object]) -> bool:
    try:
        return bool(holds())
    except (OSError, KeyError, ValueError):
        return False


def _mount(run: Run) -> None:
    """Lay private files and folders over those that components share with the machine."""
    _call("mount", "--make-rprivate", "/")
    if packages.LIBRARIES.exists():
        _call("mount", "--bind", str(packages.LIBRARIES), "/etc/ld.so.cache")
    for folder in PRIVATE:
        _call("mount", "-t", "tmpfs", "-o", "mode=755", "lab", folder)
    for folder in ("/run/netns", "/run/lock", "/run/containerd"):
        Path(folder).mkdir()
    for name in KERNEL_WIDE:
        knob = Path("/proc/sys") / name
        if knob.exists():
            copy = run.file("sysctl", name.replace("/", "."))
            copy.write_text(knob.read_text())
            _call("mount", "--bind", str(copy), str(knob))
    _call("mount", "--make-rshared", "/")


def _ctr(node: Node, *arguments: str) -> list[str]:
    return ["ctr", "--address", node.socket, *arguments]


def _call(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=packages.environment()
    )
    if done.returncode:
        print(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}", flush=True)
        sys.exit(1)


def _succeeds(*command: str) -> bool:
    environment = packages.environment()
    return not subprocess.run(command, capture_output=True, env=environment, check=False).returncode


def _proxy_healthy() -> bool:
    return controllers.answers("http://127.0.0.1:10256/healthz")


def _dns_answers() -> bool:
    return controllers.resolves(NODE_ADDRESS, "kubernetes.default.svc.cluster.local")


def main(arguments: list[str]) -> int:
    """Be the lab: the run's folder, then archive, name and reference by digest of each image."""
    folder, *words = arguments
    # The first process of a namespace gets only the signals that it handles.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    triples = zip(words[::3], words[1::3], words[2::3], strict=True)
    lab = Inside(Run(Path(folder)), [(Path(one), name, by) for one, name, by in triples])
    lab.start()
    return lab.stay()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
