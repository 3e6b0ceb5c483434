# SPDX-License-Identifier: Apache-2.0
"""What the wheel installs is what was compiled, and nodes use it without a compiler."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from gateway import compiled
from gateway.compiled import DIGEST, PACKAGE, digest
from tests.unit.gateway.test_compiled import needs_compiled
from tools.compile_request_path import main, write_wheel
from tools.slim_image import stripped

ROOT = Path(__file__).parents[3]


def installed(made: Path, folder: Path) -> Path:
    """Make a wheel of a folder's package; return where pip has put it."""
    wheels, target = folder / "wheels", folder / "site-packages"
    wheels.mkdir()
    write_wheel(made, "1.2.3", wheels)
    options = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    where = ["--find-links", str(wheels), "--target", str(target), "kafka-gateway-compiled"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *where], check=True)
    return target


def test_a_wheel_is_for_this_python_and_installs_every_file_as_it_is(tmp_path: Path) -> None:
    files = {DIGEST: b"0" * 64, "gateway/http/x.so": b"\x7fELF\x00\r\n", "y__mypyc.so": b""}
    for name, content in files.items():
        file = tmp_path / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    target = installed(tmp_path, tmp_path)
    (wheel,) = (tmp_path / "wheels").iterdir()
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name.startswith(f"{PACKAGE}-1.2.3-{python}-{python}-")
    assert {name: (target / PACKAGE / name).read_bytes() for name in files} == files


def environment(folder: Path) -> Path:
    """Return packages as the image has them: ours with its sources, libraries stripped."""
    place = compiled.installed()
    assert place is not None
    target = installed(place.parent, folder)
    for library in (target / PACKAGE).rglob("*.so"):
        library.write_bytes(stripped(library.read_bytes()))
    ignored = shutil.ignore_patterns("__pycache__", "chart", "systemd")
    shutil.copytree(ROOT / "gateway", target / "gateway", ignore=ignored)
    subprocess.run([sys.executable, "-m", "compileall", "-q", target / "gateway"], check=True)
    return target


def check(packages: Path) -> subprocess.CompletedProcess[str]:
    """Run what the image's build runs, without a compiler on PATH."""
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(packages)!r});"
        "runpy.run_module('gateway.compiled', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": ""})


@needs_compiled
def test_an_image_loads_all_of_it_and_says_when_its_sources_are_others(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    done = check(packages)
    assert (done.returncode, done.stderr) == (0, "")
    source = packages / "gateway" / "http" / "protocol.py"
    source.write_bytes(source.read_bytes() + b"\n")
    done = check(packages)
    assert done.returncode == 1
    assert "made of other sources than these" in done.stderr


def test_without_a_compiler_there_is_no_wheel_and_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert main(["wheel", str(tmp_path)]) == 1
    assert "no no-such-compiler on PATH" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where it would be installed, in an environment that has nothing."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    return tmp_path / "purelib" / PACKAGE


def test_without_a_compiler_it_is_off(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert main([]) == 0
    assert "no no-such-compiler on PATH, so it is off" in capsys.readouterr().err
    assert not place.exists()


def test_without_the_headers_of_python_it_is_off(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "sh")
    assert main([]) == 0
    assert "no headers of Python, so it is off" in capsys.readouterr().err
    assert not place.exists()


def test_what_was_made_of_this_source_is_not_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    place.mkdir(parents=True)
    (place / DIGEST).write_text(digest())
    assert main([]) == 0
    assert capsys.readouterr().err == ""


def test_what_it_does_not_know_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wheels"]) == 2
    assert "usage" in capsys.readouterr().err
