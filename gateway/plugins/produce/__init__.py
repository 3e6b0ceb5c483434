# SPDX-License-Identifier: Apache-2.0
"""What the plugins that produce records share."""
