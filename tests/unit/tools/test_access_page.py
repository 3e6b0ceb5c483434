# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from components.config.access_roles import AWS_ROLES, RIGHTS
from tools.access_page import access_page


def test_every_role_is_there_with_policies_that_aws_can_read() -> None:
    text = "\n".join(access_page())
    blocks = [one.partition("```")[0] for one in text.split("```json")[1:]]
    assert [json.loads(one)["Version"] for one in blocks] == ["2012-10-17"] * 2 * len(AWS_ROLES)
    for role in AWS_ROLES:
        assert f"## `{role.variable}`" in text
        assert f"--max-session-duration {role.session}" in text


def test_every_group_of_the_cluster_has_its_table() -> None:
    text = "\n".join(access_page())
    for group in RIGHTS:
        assert f"## `{group}`" in text
