# SPDX-License-Identifier: Apache-2.0
"""Who may do what at the control plane: identities, their tokens, and their roles."""
