# SPDX-License-Identifier: Apache-2.0
"""The master of a data plane: the control plane connection, the workers, the status API."""
