# SPDX-License-Identifier: Apache-2.0
"""Stack configuration as frozen dataclasses; nothing else in the program reads `pulumi config`."""
