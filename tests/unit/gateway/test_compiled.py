# SPDX-License-Identifier: Apache-2.0
"""What is compiled does what its source does: the tests of the source pass with it as well."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import compiled
from gateway.compiled import DIGEST, MODULES, digest, source_of, use_compiled

ROOT = Path(__file__).parents[3]
INSTALLED = compiled.installed() is not None
_WITHOUT_BROKER = ("-m", "not kafka")
needs_compiled = pytest.mark.skipif(
    not INSTALLED, reason="the compiled request path is not installed: `make native` (gcc)"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package that is found in place of the real one."""
    made = tmp_path / "compiled_for_a_test"
    made.mkdir()
    monkeypatch.setattr(compiled, "PACKAGE", made.name)
    monkeypatch.syspath_prepend(tmp_path)
    return made


def test_what_was_made_of_another_source_is_left_alone(folder: Path) -> None:
    assert compiled.installed() is None
    (folder / DIGEST).write_text("0" * 64)
    assert compiled.installed() is None
    (folder / DIGEST).write_text(digest())
    assert compiled.installed() == folder


def test_the_digest_is_of_every_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(source_of(module).is_file() for module in MODULES)
    assert list(MODULES) == sorted(MODULES)
    before = digest()
    changed = tmp_path / "changed.py"
    changed.write_bytes(source_of(MODULES[-1]).read_bytes() + b"\n")
    places = {module: source_of(module) for module in MODULES[:-1]}
    monkeypatch.setattr(compiled, "source_of", lambda module: places.get(module, changed))
    assert digest() != before
    changed.unlink()
    assert digest() == "", "an installation without sources has nothing to compare with"


def test_it_is_all_or_none(folder: Path) -> None:
    (folder / DIGEST).write_text(digest())
    assert MODULES[0] in sys.modules or __import__(MODULES[0])
    assert not use_compiled.__wrapped__()


def _classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for module in MODULES:
        for node in ast.walk(ast.parse(source_of(module).read_text())):
            if isinstance(node, ast.ClassDef):
                yield module, node


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


def test_no_class_of_workers_is_made_of_a_compiled_one() -> None:
    # It could not be: "interpreted classes cannot inherit from compiled".
    names = {node.name for _, node in _classes()}
    sources = {source_of(module) for module in MODULES}
    found = [
        f"{file.relative_to(ROOT)}: {node.name}"
        for file in (ROOT / "gateway").rglob("*.py")
        # A control plane runs as Python.
        if file not in sources and "control_plane" not in file.parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and _bases(node) & names
    ]
    assert found == []


def test_nothing_is_compiled_that_compiled_code_would_do_otherwise() -> None:
    classes = {node.name: node for _, node in _classes()}
    for module in MODULES:
        tree = ast.parse(source_of(module).read_text())
        imported = {
            alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        # Memory lent to C is freed after the last use of its name; native objects have no copy.
        assert not imported & {"ffi", "lib", "copy", "weakref"}, module
    for name, node in classes.items():
        methods = _methods(node)
        for base in _bases(node) & classes.keys():
            inherited = _methods(classes[base])
            # What is called stands before all attributes: the base would miss them.
            assert "__call__" not in methods or "__call__" in inherited, name
            if "__init__" in methods and "__init__" in inherited:
                # What a base sets is taken for set: never to be looked for, nor asked whether.
                assert "super().__init__(" in ast.unparse(methods["__init__"]), name


@needs_compiled
@pytest.mark.parametrize(("options", "runs"), [([], "compiled"), (["--python"], "Python")])
def test_streams_are_fed_to_what_workers_run_unless_the_source_is_asked_for(
    options: list[str], runs: str
) -> None:
    command = [sys.executable, "-m", "tests.support.fuzz", "--streams", "200", "--seed", "1"]
    done = subprocess.run(
        [*command, "--processes", "1", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"request path: {runs}\n" in done.stdout


@needs_compiled
@pytest.mark.parametrize(
    "tests",
    [
        "http",
        "proxy",
        "routing plugins/test_chain.py data_plane/test_counters.py plugins/prometheus",
        "plugins/logging plugins/opentelemetry",
    ],
)
def test_the_tests_of_its_source_pass_compiled(tests: str) -> None:
    paths = [f"tests/unit/gateway/{path}" for path in tests.split()]
    command = [sys.executable, "-m", "tests.support.compiled", "-q", "-x", *_WITHOUT_BROKER]
    command += paths
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
