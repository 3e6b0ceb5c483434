# SPDX-License-Identifier: Apache-2.0
"""``gateway:local:Files``: private files of this machine, before the process that reads them."""

from __future__ import annotations

from gateway.names.property_paths import render_path
from provider.diff import PropertyChange, changes_between
from provider.fields import Problem
from provider.local import process
from provider.local.files import file_problems, remove_files, stale_files, write_files
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import PrivateFilesType
from provider.values import Properties, is_known


class PrivateFiles(Resource):
    """Files in a directory, which may be a process' own: both then say the same of them."""

    schema = PrivateFilesType
    import_refusal = "files cannot be imported: the next `up` writes them"

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """A relative directory, and names that lead out of it."""
        return file_problems(inputs)

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits, and files that are no longer as they were written."""
        changes = changes_between(state.inputs, news)
        if changes or not is_known(news):
            return changes
        return [
            PropertyChange(render_path(("files", name)), recorded=False)
            for name in stale_files(news)
        ]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Write them, over what is there."""
        write_files(inputs, stale_files(inputs))
        return call.derived_id, inputs

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Write what differs; remove what is not named any more."""
        if not call.preview:
            write_files(news, stale_files(news))
            remove_files(state.inputs, news)
        return news

    def delete(self, call: ResourceCall, state: State) -> None:
        """Remove them, unless a process has the directory: there they go with it."""
        if process.load_record(state.inputs["directory"]) is None:
            remove_files(state.inputs, {**state.inputs, "files": {}})
