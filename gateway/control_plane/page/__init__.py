# SPDX-License-Identifier: Apache-2.0
"""The page that people look at: Kong Manager's place, made of templates on the server."""
