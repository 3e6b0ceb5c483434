# SPDX-License-Identifier: Apache-2.0
"""Runs programs without loading the SDKs each time: loads them once and forks for each run.

Takes connections on the Unix socket that it is given as its first argument, and forks for each, so
that several may run programs at a time; ends with its stdin. A connection sends one run a line, as
JSON: ``arguments`` (the exec script and what it takes), ``environment``, ``folder`` to run in,
``log`` for what is printed. It gets two lines: the process id when the run begins, the exit code
when it has ended.
Nothing here opens a channel or starts a thread before it forks, so the children are sound.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
import warnings
from typing import IO, Any, NoReturn

SDKS = (
    "pulumi_eks",
    "pulumi_aws.ec2",
    "pulumi_aws.eks",
    "pulumi_aws.iam",
    "pulumi_aws.vpc",
    "pulumi_confluentcloud",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
    "pulumi_kubernetes.storage.v1",
    "components.cloud.stack",
)


def main() -> None:
    """Load, then serve connections until stdin ends."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for name in SDKS:
                # Asking for any attribute is what makes a lazy module load.
                hasattr(importlib.import_module(name), "Resource")
        # What is loaded stays: a collection would write to every page that the children share.
        gc.freeze()
        # Nobody asks how a connection's process ended.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while sys.stdin not in select.select([sys.stdin, listening], [], [])[0]:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    _serve(connection)


def _serve(connection: socket.socket) -> NoReturn:
    """Run what one connection asks for until it is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        with connection.makefile("rw") as lines:
            for line in lines:
                run = json.loads(line)
                child = os.fork()
                if child == 0:
                    _become(run)
                _say(lines, child)
                _, status = os.waitpid(child, 0)
                _say(lines, os.waitstatus_to_exitcode(status))
    except OSError:
        pass  # who asked is gone
    finally:
        os._exit(0)


def _say(lines: IO[str], number: int) -> None:
    lines.write(f"{number}\n")
    lines.flush()


def _become(run: dict[str, Any]) -> NoReturn:
    """Be the program. Its threads may hang in calls whose result is not needed: no orderly exit."""
    code = 1
    try:
        log = os.open(run["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.environ.clear()
        os.environ.update(run["environment"])
        os.chdir(run["folder"])
        sys.argv = list(run["arguments"])
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(bool(left.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
