# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi

from components.options import child_options
from tests.support.registrations import register


def test_a_child_comes_after_and_goes_with_what_its_component_does() -> None:
    def make() -> None:
        other = pulumi.CustomResource("test:index:Thing", "other", {})
        opts = pulumi.ResourceOptions(depends_on=[other], deleted_with=other)
        component = pulumi.ComponentResource("test:index:Whole", "whole", None, opts)
        pulumi.CustomResource("test:index:Thing", "child", {}, child_options(component, opts))
        pulumi.CustomResource("test:index:Thing", "free", {}, child_options(component, None))

    found = {one.name: one for one in register(make)}
    assert found["child"].parent.endswith("::whole")
    assert found["child"].depends_on("other")
    assert found["child"].deleted_with.endswith("::other")
    assert not found["free"].deleted_with
