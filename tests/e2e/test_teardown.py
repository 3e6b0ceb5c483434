# SPDX-License-Identifier: Apache-2.0
"""Taking the stack down, also after a crash, and what must never be readable anywhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.processes import alive, command_of, kill, running_in
from tests.support.traffic import get

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def secrets_of(checkout: Checkout) -> list[bytes]:
    """Every secret the stack made: passwords of the broker's users, the admin token, keys."""
    local = checkout.folder / ".state" / "local"
    properties = (local / "kafka" / "server.properties").read_text()
    found = {word.encode() for word in re.findall(r'(?:password|user_[^=]+)="([^"]+)"', properties)}
    found.add((local / "control-plane" / "admin-token").read_bytes().strip())
    for key in local.rglob("*.key"):
        found.add(key.read_bytes().splitlines()[1])
    assert len(found) >= 8
    return sorted(found)


def test_down_after_a_crash_leaves_nothing_and_a_second_one_is_quiet(own: Checkout) -> None:
    try:
        outcome = own.up()
        assert outcome.code == 0, outcome.text
        assert get(own.ports.proxy, "/httpbin/get").status == 200
        _no_secret_is_readable(own, outcome.text)
        broker = running_in(own.folder / ".state" / "local" / "kafka")
        control_plane = running_in(own.folder / ".state" / "local" / "control-plane")
        kill(*broker, *control_plane)
    finally:
        down = own.down()
    assert down.code == 0, down.text
    assert not [pid for pid in running_in(own.folder) if alive(pid)]
    assert not (own.folder / ".state" / "local").exists() or not any(
        path.is_file() for path in (own.folder / ".state" / "local").rglob("*")
    )
    again = own.down()
    assert (again.code, again.text) == (0, "")


def _no_secret_is_readable(own: Checkout, printed: str) -> None:
    secrets = secrets_of(own)
    places = {"the output of up": printed.encode()}
    places["the preview"] = own.preview("--show-sames").text.encode()
    places["the preview as JSON"] = own.pulumi("preview", "--json").text.encode()
    places["the state"] = own.state().read_bytes()
    for log in (own.folder / ".state" / "local").rglob("*.log"):
        places[f"log {log.name}"] = log.read_bytes()
    for pid in running_in(own.folder):
        places[f"arguments of {pid}"] = command_of(pid).encode()
    for database in (own.folder / ".state" / "local").rglob("*.sqlite*"):
        places[f"database {database.name}"] = database.read_bytes()
    for where, text in places.items():
        for secret in secrets:
            assert secret not in text, f"a secret stands in {where}"


def test_the_world_outside_the_ignored_folders_stays_clean(own: Checkout) -> None:
    git = ("git", "-C", str(own.folder))
    subprocess.run([*git, "init", "-q"], check=True)
    ignore = Path(__file__).resolve().parents[2] / ".gitignore"
    (own.folder / ".gitignore").write_text(ignore.read_text().replace("/\n", "\n"))
    subprocess.run([*git, "add", "-A"], check=True)
    outcome = own.preview()
    assert outcome.code == 0, outcome.text
    status = subprocess.run([*git, "status", "--short"], check=True, capture_output=True, text=True)
    left = [line for line in status.stdout.splitlines() if not line.startswith("A ")]
    assert left == []
