# SPDX-License-Identifier: Apache-2.0
"""``gateway:local:Process``: a detached, health-checked process on this machine.

It is drained and restarted rather than replaced. What it was started with is recorded as a
digest next to its pid, so a create or restart that was interrupted is found and finished.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.errors import ResourceInitFailed
from gateway.names.property_paths import render_path
from provider.diff import PropertyChange, changes_between
from provider.fields import Problem
from provider.local import process
from provider.local.files import file_problems, remove_files, stale_files, write_files
from provider.local.ports import free_ports, port_problems
from provider.local.process import ProcessRecord, ProcessSpec, digest_of
from provider.local.readiness import wait_ready
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import ProcessType
from provider.values import UNKNOWN, Properties, is_known, secret_texts

# Inputs that say how the process is managed; an edit of them alone restarts nothing.
_MANAGEMENT = (
    "name",
    "ports",
    "portKeys",
    "ready",
    "stopTimeoutSeconds",
    "reloadOn",
    "removeDirectory",
)


class Process(Resource):
    """Runs a command in a directory, with private files, until it is deleted.

    ``running`` is true in inputs and outputs: a preview shows it as to be added when the process
    is dead.
    """

    schema = ProcessType
    import_refusal = "a process cannot be imported: the next `up` adopts a running one"

    def check(
        self, call: ResourceCall, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Problem]]:
        """Fill in defaults; find ports that are another's beside what is wrong in the inputs."""
        inputs, problems = super().check(call, olds, news)
        if not problems:
            problems = _folder_problems(call, inputs, olds) or port_problems(call, inputs, olds)
        return inputs, problems

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """Inputs that contradict each other."""
        problems = file_problems(inputs)
        ready = inputs.get("ready")
        if isinstance(ready, dict):
            wanted = "url" if ready.get("kind") == "http" else "port"
            if ready.get("kind") in ("http", "tcp") and ready.get(wanted) is None:
                problems.append((f"ready.{wanted}", f"is required for kind {ready['kind']}"))
        return problems

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits; a process that is dead; files that are no longer as they were written."""
        changes = changes_between(state.inputs, news, ignoring=("running",))
        record = process.load_record(state.inputs.get("directory") or news["directory"])
        if record is None or not record.is_running():
            return [*changes, PropertyChange("running", "add", recorded=False)]
        if changes or not is_known(news):
            return changes
        spec = _spec(news)
        if (record.spec, record.loaded) != (spec.digest, spec.loaded):
            # An update was interrupted: what runs was not started with what is recorded.
            changes.append(PropertyChange("running", "add", recorded=False))
        return changes + [
            PropertyChange(render_path(("files", name)), recorded=False)
            for name in stale_files(news)
        ]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Start it, or adopt one that an interrupted create left running."""
        return call.derived_id, self._bring_up(call, call.derived_id, inputs, inputs)

    def refresh(self, state: State) -> State | None:
        """Whether it runs; a dead process stays recorded, and the next update starts it."""
        record = process.load_record(state.inputs["directory"])
        pid = record.identity.pid if record is not None and record.is_running() else 0
        shown = {"running": pid != 0}
        return State(state.id, {**state.inputs, **shown}, {**state.outputs, **shown, "pid": pid})

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Restart it, reload it, or only record how it is managed."""
        if call.preview:
            known = {**state.outputs, **news}
            return self.with_unknown_outputs(news) if self.edits(state, news) else known
        return self._bring_up(call, state.id, state.inputs, news)

    def delete(self, call: ResourceCall, state: State) -> None:
        """Stop it and all of its session; its data stays unless ``removeDirectory``."""
        inputs = state.inputs
        directory = Path(inputs["directory"])
        _stop(inputs)
        process.remove_record(directory)
        if inputs.get("removeDirectory"):
            shutil.rmtree(directory, ignore_errors=True)
            return
        for name in inputs.get("files", {}):
            (directory / name).unlink(missing_ok=True)

    def _bring_up(
        self, call: ResourceCall, identity: str, olds: Properties, news: Properties
    ) -> Properties:
        moved = olds.get("directory") != news["directory"]
        if moved:
            _stop(olds)
            process.remove_record(olds["directory"])
        spec = _spec(news)
        running = process.load_record(spec.directory)
        if running is not None and running.is_running() and running.spec == spec.digest:
            write_files(news, stale_files(news))
            if running.loaded != spec.loaded:
                process.reload(spec.directory, running, spec.loaded)
        else:
            _stop({**olds, "directory": str(spec.directory)})
            free_ports(call, news)
            write_files(news, news["files"])
            running = process.start(spec, call.stack, news["ports"])
        remove_files(olds, news)
        outputs = _outputs(news, running)
        self._await_ready(call, identity, news, running, outputs)
        return outputs

    def _await_ready(
        self,
        call: ResourceCall,
        identity: str,
        inputs: Properties,
        running: ProcessRecord,
        outputs: Properties,
    ) -> None:
        ready = inputs.get("ready")
        if not ready:
            return
        problem = wait_ready(ready, running.is_running, call.cancelled)
        if problem is None:
            return
        log = Path(outputs["logFile"])
        lines = "".join(f"\n  | {line}" for line in process.last_lines(log))
        hidden = _without_secrets(
            f"{inputs['name']}: {problem}\nlast lines of {log}:{lines}", call, inputs
        )
        raise ResourceInitFailed(hidden, identity, outputs)


def _folder_problems(call: ResourceCall, inputs: Properties, olds: Properties) -> list[Problem]:
    """Refuse a directory in which another stack has its process and its data.

    One that the resource has had already is its own, whatever its stack was called then.
    """
    directory = inputs["directory"]
    if directory in (UNKNOWN, olds.get("directory")):
        return []
    record = process.load_record(directory)
    if record is None or record.stack in ("", call.stack):
        return []
    text = f"{directory} is that of the stack {record.stack}"
    text += f", whose process {record.identity.pid} runs there" if record.is_running() else ""
    text += "; take that stack down, or use another checkout for this one"
    return [("directory", text + ("" if record.is_running() else ", or remove the directory"))]


def _spec(inputs: Properties) -> ProcessSpec:
    directory = Path(inputs["directory"])
    reloaded = set(inputs["reloadOn"])
    fixed = {name: value for name, value in inputs["files"].items() if name not in reloaded}
    loaded = {name: value for name, value in inputs["files"].items() if name in reloaded}
    extra = {
        name: value
        for name, value in inputs.items()
        if name not in (*_MANAGEMENT, "command", "environment", "directory", "files", "running")
    }
    return ProcessSpec(
        command=inputs["command"],
        environment=inputs["environment"],
        directory=directory,
        log=directory / f"{inputs['name']}.log",
        digest=digest_of(inputs["command"], inputs["environment"], str(directory), fixed, extra),
        loaded=digest_of(loaded),
    )


def _outputs(inputs: Properties, running: ProcessRecord) -> Properties:
    return {
        **inputs,
        "running": True,
        "pid": running.identity.pid,
        "logFile": str(_spec(inputs).log),
    }


def _stop(inputs: Properties) -> None:
    running = process.load_record(inputs["directory"])
    if running is not None:
        process.stop(running, float(inputs.get("stopTimeoutSeconds", 15)))


def _without_secrets(message: str, call: ResourceCall, inputs: Properties) -> str:
    for secret in secret_texts(inputs, {*call.secrets, *ProcessType.secrets}):
        for part in {secret, *secret.splitlines(), *_setting_values(secret)}:
            if len(part.strip()) >= 6:
                message = message.replace(part.strip(), "[secret]")
    return message


def _setting_values(content: str) -> list[str]:
    """Right-hand sides in a file of settings: what a log line might quote by itself."""
    return [line.partition("=")[2].strip("\"' ;") for line in content.splitlines() if "=" in line]
