# SPDX-License-Identifier: Apache-2.0
"""Ask this node's status API from inside its own container or machine.

``python -m gateway.probe live`` and ``ready`` exit 0 when the status API answers 200;
``drain --wait 15`` turns readiness off and returns after that many seconds, which is what a
preStop hook needs: the node keeps serving until every load balancer has noticed. Slim images have
no curl, and Kubernetes' own httpGet hook cannot POST.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence

DEFAULT_ADDRESS = ("127.0.0.1", 8100)
PATHS = {"live": "/status", "ready": "/status/ready", "drain": "/status/ready"}


def status_address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return where the status API listens: host and port of the first KONG_STATUS_LISTEN.

    A listener on every address is asked over loopback.
    """
    first = environment.get("KONG_STATUS_LISTEN", "").split(",")[0].strip()
    found = re.match(r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d+)", first)
    if found is None:
        return DEFAULT_ADDRESS
    host = found.group(1).strip("[]")
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return loopback.get(host, host), int(found.group(2))


def ask(action: str, address: tuple[str, int], timeout: float = 2.0) -> int:
    """Return the status API's HTTP status, or 0 without a response within ``timeout`` seconds."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        if action == "drain":
            headers = {"Content-Type": "application/json"}
            connection.request("POST", PATHS[action], b'{"status":"draining"}', headers)
        else:
            connection.request("GET", PATHS[action])
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code says whether the node is what was asked for."""
    parser = argparse.ArgumentParser(prog="gateway.probe", description="Ask the status API.")
    parser.add_argument("action", choices=sorted(PATHS))
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait after drain")
    chosen = parser.parse_args(arguments)
    status = ask(chosen.action, status_address(os.environ))
    if chosen.action != "drain":
        return 0 if status == 200 else 1
    # A node that cannot be reached still needs the time: its endpoint is being removed meanwhile.
    time.sleep(chosen.wait)
    return 0 if status == 204 else 1


if __name__ == "__main__":
    sys.exit(main())
