# SPDX-License-Identifier: Apache-2.0
"""What the plugins that change requests and responses share."""
