# SPDX-License-Identifier: Apache-2.0
"""One detached process in its directory: start, find, reload and stop it.

A process is started stopped: a shell waits on a pipe until the record of its pid is on disk and
only then becomes the program, so there is never a running process without a record. It has a
session of its own and keeps none of the plugin's streams, since the engine kills the plugin's
group at the end of each operation.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gateway.atomic_file import write_atomically
from gateway.errors import ResourceError
from gateway.process_identity import ProcessIdentity, identify
from provider.local.proc import is_alive, session_members

RECORD = "process.json"
MARKER = "GATEWAY_PROCESS_OF"
# What a process inherits from the environment of the program: nothing that changes what it does,
# and none of the engine's own variables (the passphrase is among them).
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "JAVA_HOME")
_LAUNCHER = 'umask 077; read -r go || exit 1; [ "$go" = go ] || exit 1; exec "$@" </dev/null'
_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessRecord:
    """The process that was started last in a directory."""

    identity: ProcessIdentity
    marker: str
    spec: str
    """Digest of what it was started with; another one asks for a restart."""
    loaded: str = ""
    """Digest of the files that it re-reads on SIGHUP, as it read them last."""
    stack: str = ""
    """``project/stack`` that it belongs to."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """What it listens on, by label."""

    def is_running(self) -> bool:
        """Whether the leader lives."""
        return is_alive(self.identity)

    def members(self) -> list[int]:
        """Live pids of its session."""
        return session_members(self.identity, self.marker)


@dataclass(frozen=True)
class ProcessSpec:
    """What to run: command and environment, working directory, and the log it appends to."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    digest: str
    loaded: str = ""


def load_record(directory: str | Path) -> ProcessRecord | None:
    """Read the record in ``directory``; None when there is none that can be read."""
    try:
        content = json.loads((Path(directory) / RECORD).read_text())
        identity = ProcessIdentity(**content.pop("identity"))
        return ProcessRecord(identity, **content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save_record(directory: Path, record: ProcessRecord) -> None:
    """Write the record into ``directory``, whole or not at all."""
    write_atomically(directory / RECORD, json.dumps(asdict(record)).encode())


def remove_record(directory: str | Path) -> None:
    """Forget the process of ``directory``."""
    (Path(directory) / RECORD).unlink(missing_ok=True)


def digest_of(*parts: object) -> str:
    """One digest over plain values; it stands for secrets where they may not be kept."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def start(
    spec: ProcessSpec, stack: str = "", ports: Mapping[str, int] | None = None
) -> ProcessRecord:
    """Start the process of ``spec`` for ``stack``; return its record, which is on disk by then.

    Raises ResourceError when its program cannot be started.
    """
    token = secrets.token_hex(16)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment.update(spec.environment)
    environment[MARKER] = token
    spec.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.which(spec.command[0], path=environment.get("PATH")) is None:
        raise ResourceError(f"cannot start {spec.command[0]}: there is no such program")
    _rotate(spec.log)
    log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 - the command is what the user asked to run
            ["/bin/sh", "-c", _LAUNCHER, "sh", *spec.command],
            cwd=spec.directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as problem:
        raise ResourceError(f"cannot start {spec.command[0]}: {problem.strerror}") from problem
    finally:
        os.close(log)
    marker = f"{MARKER}={token}"
    record = ProcessRecord(_identity(child), marker, spec.digest, spec.loaded, stack, ports or {})
    return _release(child, record, spec)


def _identity(child: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = identify(child.pid)
    if identity is None:
        raise ResourceError("the process ended before it was recorded")
    return identity


def _release(
    child: subprocess.Popen[bytes], record: ProcessRecord, spec: ProcessSpec
) -> ProcessRecord:
    save_record(spec.directory, record)
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(b"go\n")
        child.stdin.close()
    # Reaped by the next look at it (proc.is_alive), or by init when the plugin has exited.
    child.returncode = 0
    return record


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size:
        log.replace(log.with_name(f"{log.name}.1"))


def reload(directory: Path, record: ProcessRecord, loaded: str) -> None:
    """Ask the process to read its files again, and record that it has."""
    os.kill(record.identity.pid, signal.SIGHUP)
    save_record(directory, replace(record, loaded=loaded))


def stop(record: ProcessRecord, timeout: float) -> None:
    """End the process and all of its session: SIGTERM to drain, SIGKILL after ``timeout`` seconds.

    A process that is gone is a success. Raises ResourceError when one survives even that.
    """
    leader = record.identity.pid
    deadline = time.monotonic() + timeout
    if leader in record.members():
        _signal([leader], signal.SIGTERM)
        _wait(lambda: leader not in record.members(), timeout)
    # Workers whose leader was killed, or could not end them.
    if leader not in record.members():
        _signal(record.members(), signal.SIGTERM)
    if _wait(lambda: not record.members(), deadline - time.monotonic()):
        return
    _signal(record.members(), signal.SIGKILL)
    if not _wait(lambda: not record.members(), _KILL_SECONDS):
        left = ", ".join(str(pid) for pid in record.members())
        raise ResourceError(f"process {left} does not end; look at what it waits for")


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait(
    condition: Callable[[], bool], timeout: float, cancelled: threading.Event | None = None
) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline or (cancelled is not None and cancelled.is_set()):
            return False
        time.sleep(_POLL_SECONDS)
    return True


def last_lines(log: Path, count: int = 10) -> list[str]:
    """The end of a log, for an error text."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
