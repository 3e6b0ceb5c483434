# SPDX-License-Identifier: Apache-2.0
"""Resource options that a component hands on to its children."""

from __future__ import annotations

import pulumi


def child_options(
    parent: pulumi.Resource, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Return options for a child: below ``parent``, after and gone with what the component is.

    Pulumi hands neither ``depends_on`` nor ``deleted_with`` of a component on to its children.
    """
    child = pulumi.ResourceOptions(parent=parent)
    if opts is not None:
        child.depends_on = opts.depends_on
        child.deleted_with = opts.deleted_with
    return child
