# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from tests.support.previews import cluster_replaced
from tools.preview_document import read_preview


def test_a_replacement_is_one_change_of_three_steps() -> None:
    changes = {c.name: c for c in read_preview("prod", json.dumps(cluster_replaced())).changes}
    assert changes["cluster"].action == "replace"
    assert [item.path for item in changes["cluster"].properties] == ["region"]
    assert changes["data-plane"].action == "update"


def test_the_gravest_changes_stand_first() -> None:
    preview = read_preview("prod", json.dumps(cluster_replaced()))
    assert [change.action for change in preview.changes] == [
        "replace",
        "replace",
        "delete",
        "update",
    ]
