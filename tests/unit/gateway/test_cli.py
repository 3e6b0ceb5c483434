# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gateway.cli import CONTROL_PLANE
from tests.support.waiting import PATIENCE
from tools import slim_image

HEAVY = ("pydantic", "typer", "rich", "cryptography", "wsproto", "confluent_kafka", "yaml")


def test_a_master_starts_without_what_only_workers_and_commands_need() -> None:
    code = (
        "import sys, gateway.cli, gateway.commands.run, gateway.data_plane.launch; "
        "import gateway.data_plane.master.master; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(shown.stdout) == []


@pytest.mark.parametrize(
    ("words", "missing"), [(["run"], "starlette"), (["database", "status"], "sqlalchemy")]
)
def test_where_only_data_planes_run_the_command_says_which_image_it_needs(
    words: list[str], missing: str
) -> None:
    code = (
        "import sys; "
        f"sys.modules.update(dict.fromkeys({sorted(CONTROL_PLANE)!r})); "
        f"sys.argv[1:] = {words!r}; "
        "from gateway.cli import main; main()"
    )
    environment = {**os.environ, "KONG_ROLE": "control_plane"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {' '.join(words)} needs ")
    assert missing in CONTROL_PLANE
    assert "use the one for all roles" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_that_is_missing_elsewhere_is_no_matter_of_roles() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; sys.argv[1:] = ['check']; "
        "from gateway.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr
    assert "roles" not in done.stderr


def test_what_the_image_leaves_out_is_what_the_command_line_knows_of() -> None:
    left_out = {name for name in slim_image.CONTROL_PLANE if "." not in name}
    assert left_out - {"psycopg_binary"} == CONTROL_PLANE


def _said(command: str, **environment: str) -> tuple[int, str]:
    program = f"{sys.executable} -c 'from gateway.cli import main; main()'"
    line = command.format(program)
    given = {**os.environ, **environment}
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, check=False, env=given, timeout=PATIENCE
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode, (done.stdout + done.stderr).decode()


def test_streams_that_were_closed_are_empty() -> None:
    code, said = _said("{} config validate - <&-")
    assert (code, said.startswith("error: -: holds nothing")) == (1, True)
    file = "echo '_format_version: \"3.0\"' | "
    assert _said(f"{file}{{}} config convert - >&-")[0] == 0
    assert _said(f"{file}{{}} config convert - 2>&-")[0] == 0


def test_what_the_output_cannot_encode_is_escaped_and_a_file_is_utf_8() -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    converted = _said("echo '_comment: été' | {} config convert -", **ascii_only)
    assert (converted[0], "_comment: été" in converted[1]) == (0, True)
    code = "from gateway.cli import _prepare; _prepare(); print('été')"
    given = {**os.environ, **ascii_only}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=given)
    assert done.stdout == b"\\xe9t\\xe9\n"


def test_a_width_of_nothing_is_none() -> None:
    assert "Usage" in _said("{} token --help", COLUMNS="0")[1]
