# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes on this machine: ``python -m tools.kubernetes get`` fetches what it needs into
.tools/kubernetes, ``shell`` starts one with the gateway's image and gives a shell in its network.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tools.kubernetes import binaries, image, packages
from tools.kubernetes.lab import Lab, reason_against
from tools.progress import say


def get() -> int:
    """Fetch and build all that is missing; say so where no lab could run anyway."""
    if os.geteuid() != 0:
        say(f"no Kubernetes: {reason_against()}")
        return 0
    with packages.one_at_a_time():
        packages.ensure()
        binaries.ensure()
    return 0


def shell() -> int:
    """Give a shell in which kubectl and helm work on a cluster that ends with it."""
    get()
    if reason := reason_against():
        say(f"no Kubernetes: {reason}")
        return 1
    sandbox, gateway = image.ensure()
    with Lab(sandbox, gateway, say=say) as lab, lab.entered():
        say(f"the gateway's image: {gateway.by_digest}")
        command = [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(command, env=lab.environment(), check=False).returncode


COMMANDS = {"get": get, "shell": shell}


def main(arguments: list[str]) -> int:
    """Run the one command that is named."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(f"give one of: {', '.join(COMMANDS)}\n")
        return 2
    return COMMANDS[arguments[0]]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
