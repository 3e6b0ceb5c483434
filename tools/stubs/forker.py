# SPDX-License-Identifier: Apache-2.0
"""Runs programs without loading the SDKs each time: loads them once and forks for each run.

Reads one run a line from stdin, as JSON: ``arguments`` (the exec script and what it takes),
``environment``, ``folder`` to run in, ``log`` for what is printed. Writes two lines: the process id
when the run begins, the exit code when it has ended.
Nothing here opens a channel or starts a thread before it forks, so the children are sound.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
import traceback
import warnings
from typing import Any, NoReturn

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
    """Load, then run what is asked for until stdin ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in SDKS:
            # Asking for any attribute is what makes a lazy module load.
            hasattr(importlib.import_module(name), "Resource")
    # What is loaded stays: a collection would write to every page that the children share.
    gc.freeze()
    for line in sys.stdin:
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(run)
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


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
