# SPDX-License-Identifier: Apache-2.0
"""The components for programs of others, in any language: their arguments as they go over the wire.

Each is the component of that name with arguments that a schema can describe. No postponed
annotations here: the SDK's analyzer makes the schema from the annotations themselves.
"""
