# SPDX-License-Identifier: Apache-2.0
"""The control plane: releases in a database, the Admin API, the hybrid protocol to data planes."""
