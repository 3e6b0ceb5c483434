# SPDX-License-Identifier: Apache-2.0
"""The rules of the house: no circles, layers, names, sizes, mirrored tests, papers that are true.

Everything is read from the sources as text: nothing of the project is imported.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("gateway", "components", "provider", "policies", "tools")
"""The folders whose structure is held; what they import from elsewhere is not looked at."""
LONGEST_FILE, LONGEST_FUNCTION = 400, 50

SAME_NAME = {
    # The resource that the provider implements, and the class with which a program asks for it.
    "ClusterCertificate",
    "Configuration",
    "Credential",
    "KafkaAcl",
    "KafkaTopic",
    "KonnectControlPlane",
    "KonnectDataPlaneCertificate",
    "PrivateFiles",
    "Process",
    "PublishedRelease",
    # A component, and the same with arguments for programs of others: the schema takes its name.
    "ClusterCertificates",
    "ConfluentKafka",
    "ControlPlaneRelease",
    "DataPlaneRelease",
    "EksCluster",
    "GatewayRoutes",
    "LocalCertificates",
    "LocalControlPlane",
    "LocalDataPlane",
    "LocalKafka",
    # The model of a plugin's ``config``: each plugin has one, and base.py finds it by its name.
    "Config",
}
"""Class names that may stand more than once."""

WITHOUT_TESTS_OF_THEIR_OWN = {
    "components/__main__.py": "runs under the engine: tests/engine/test_components",
    "components/package/cluster.py": "made by the engine: tests/engine/test_components",
    "components/package/kafka.py": "made by the engine: tests/engine/test_components",
    "components/package/local.py": "made by the engine: tests/engine/test_components",
    "components/package/releases.py": "made by the engine: tests/engine/test_components",
    "components/endpoints.py": "dataclasses without a method",
    "gateway/http/application.py": "a protocol",
    "gateway/http/client_connection.py": "protocols",
    "gateway/http/route_match.py": "a protocol",
    "gateway/http/context.py": "what connections share: every test of them",
    "gateway/control_plane/database/migrations/": "run by database/test_schema",
    "gateway/data_plane/worker/__main__.py": "a process: master/test_spawn, worker/test_worker",
    "gateway/kafka/_rdkafka.py": "loads a library: every Kafka test",
    "gateway/kafka/lane.py": "what both lanes share: kafka/test_first_lane, test_second_lane",
    "gateway/plugins/openid_connect/fields.py": "test_schema",
    "gateway/plugins/openid_connect/login_fields.py": "test_schema",
    "gateway/plugins/openid_connect/provider_fields.py": "test_schema",
    "gateway/plugins/openid_connect/token_fields.py": "test_schema",
    "gateway/proxy/context.py": "what exchanges share: every test of them",
    "policies/__main__.py": "runs under the engine: tests/engine/test_policies",
    "provider/publishing/publisher.py": "a protocol",
    "tools/kubernetes/": "runs a cluster: tests/kubernetes",
    "tools/stubs/": "runs under the engine: tests/engine",
}
"""Modules and folders without tests at the mirrored place: why, or where their tests stand."""


@cache
def modules() -> dict[str, Path]:
    """Return every module of the sources by its dotted name."""
    found = {}
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if any(part.startswith(".") for part in parts):
                continue
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(module: str) -> set[str]:
    """Return the project's modules that a module imports: late and type-only imports count."""
    known = modules()
    names: set[str] = set()
    for node in ast.walk(tree(known[module])):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in known else node.module)
    return (names & known.keys()) - {module}


@cache
def graph() -> dict[str, set[str]]:
    return {module: imported(module) for module in modules()}


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected groups of more than one module (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in arrows[module]:
            if target not in index:
                visit(target)
            if target in stack:
                low[module] = min(low[module], low[target])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[-len(group) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in arrows:
        if module not in index:
            visit(module)
    return found


def block(page: str, kind: str) -> list[str]:
    """Return the lines of a page's fenced block of a kind."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    match = re.search(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/{page} has no block ```{kind}"
    return match[1].splitlines()


def layers() -> dict[str, int]:
    """Return the rank of each layer as docs/architecture.md lists them, lowest first."""
    ranks = {}
    for rank, line in enumerate(block("architecture.md", "layers")):
        for name in line.split("#")[0].split():
            ranks[name] = rank
    return ranks


def layer_of(module: str, ranks: dict[str, int]) -> int:
    """Return a module's rank: that of its longest listed prefix."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        rank = ranks.get(".".join(parts[:end]))
        if rank is not None:
            return rank
    raise AssertionError(f"{module} is in no layer of docs/architecture.md")


def classes() -> Iterator[tuple[str, Path]]:
    for path in modules().values():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                yield node.name, path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def none_of(found: Iterable[str]) -> None:
    """Fail with all that was found, a line each."""
    lines = sorted(found)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_no_modules_import_each_other_in_a_circle() -> None:
    none_of(" <-> ".join(group) for group in circles(graph()))


def test_no_import_runs_from_a_lower_layer_to_a_higher_one() -> None:
    ranks = layers()
    none_of(
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in targets
        if layer_of(target, ranks) > layer_of(module, ranks)
    )


def test_a_class_name_stands_once() -> None:
    places = defaultdict(list)
    for name, path in classes():
        places[name].append(str(path.relative_to(ROOT)))
    none_of(
        f"{name}: {', '.join(where)}"
        for name, where in places.items()
        if len(where) > 1 and name not in SAME_NAME
    )


def test_each_module_has_its_tests_at_the_mirrored_place() -> None:
    def mirrored(path: Path) -> Path:
        place = path.relative_to(ROOT)
        return ROOT / "tests/unit" / place.parent / f"test_{place.name}"

    missing = {
        str(path.relative_to(ROOT))
        for path in modules().values()
        if path.name != "__init__.py" and not mirrored(path).exists()
    }
    excepted = {
        name: {module for module in missing if module.startswith(name)}
        for name in WITHOUT_TESTS_OF_THEIR_OWN
    }
    none_of(missing.difference(*excepted.values()))
    none_of(f"{name} needs no exception" for name, found in excepted.items() if not found)


def test_files_and_functions_stay_short() -> None:
    paths = modules().values()
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in paths
        if (lines := path.read_text("utf-8").count("\n")) > LONGEST_FILE
    ]
    long += [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {lines} lines"
        for path in paths
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    none_of(long)


def replaced() -> set[str]:
    """Return the names that docs/glossary.md says are written no more."""
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    names: set[str] = set()
    for row in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        names.update(re.findall(r"`(\w+)`", row.split("|")[-1]))
    assert names
    return names


def test_a_replaced_name_is_written_nowhere() -> None:
    names = replaced()
    word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(names)))})\b")
    none_of(
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in modules().values()
        for match in word.finditer(path.read_text("utf-8"))
    )


def drawn_files() -> list[str]:
    """Return the files that the two ways in docs/architecture.md lead through."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    pictures = re.findall(r"^```mermaid\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [name for picture in pictures for name in re.findall(r"[\w/]+\.py", picture)]


def test_both_ways_are_drawn_with_files_that_are_there() -> None:
    files = drawn_files()
    assert len(files) > 10
    none_of(name for name in files if not (ROOT / name).is_file())


def test_every_folder_and_every_top_level_file_is_on_the_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for path in modules().values()
        if path.name != "__init__.py"
    }
    top = {path.name for path in ROOT.iterdir() if path.suffix in (".py", ".yaml")}
    plugins = {name for name in folders if name.startswith("gateway/plugins/")}
    plugins.remove("gateway/plugins/produce")  # no plugin, but what several share
    none_of(name for name in (folders | top) - plugins if name.rsplit("/", 1)[-1] not in page)


def test_no_file_at_the_top_is_there_by_mistake() -> None:
    """As what a program writes to a relative path that runs where the repository is."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    known = {"LICENSE", "Makefile", "pyproject.toml", "requirements.txt"}
    known.update(re.findall(r"[\w.]+", page))
    files = {path.name for path in ROOT.glob("[!.]*") if path.is_file() and path.suffix != ".md"}
    none_of(files - known)


def test_no_comment_cites_a_page_that_is_not_here() -> None:
    pages = {path.name for path in ROOT.rglob("*.md") if ".venv" not in path.parts}
    pages.add("comment.md")  # written by the pull-request preview
    cited = re.compile(r"""(?<!["'\w-])([\w-]+\.md)\b""")  # behind a quote: a file's name
    others = (path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py"))
    everywhere = [*modules().values(), *others]
    none_of(
        f"{path.relative_to(ROOT)}: {name}"
        for path in everywhere
        for name in cited.findall(path.read_text("utf-8"))
        if name not in pages
    )


def test_the_test_modules_that_the_security_page_names_are_there() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    named = re.findall(r"`tests/([\w/]+\.py)`", page)
    assert named
    none_of(name for name in named if not (ROOT / "tests" / name).is_file())
