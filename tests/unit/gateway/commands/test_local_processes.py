# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
from pathlib import Path

from gateway.commands.local_processes import RECORD, local_processes
from gateway.process_identity import identify
from provider.local import process
from provider.local.process import ProcessSpec


def test_the_record_is_the_one_that_the_provider_writes(tmp_path: Path) -> None:
    assert process.RECORD == RECORD
    folder = tmp_path / "kafka"
    spec = ProcessSpec(["sleep", "600"], {}, folder, folder / "kafka.log", "digest")
    record = process.start(spec, "project/local", {"kafka": 9092})
    try:
        (found,) = local_processes(tmp_path)
        assert (found.name, dict(found.ports)) == ("kafka", {"kafka": 9092})
        assert found.log == spec.log
        assert found.is_running
    finally:
        process.stop(record, 0)
    assert not found.is_running


def test_an_older_record_and_one_that_cannot_be_read_do_no_harm(tmp_path: Path) -> None:
    own = identify(os.getpid())
    assert own is not None
    for name, content in {
        "old": json.dumps({"identity": vars(own), "marker": "m", "spec": "s"}),
        "broken": "{",
        "other": "[]",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text(content)
    (found,) = local_processes(tmp_path)
    assert (found.name, found.is_running, dict(found.ports)) == ("old", True, {})
