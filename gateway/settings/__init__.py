# SPDX-License-Identifier: Apache-2.0
"""Settings: ``KONG_*`` environment variables and ``kong.conf``."""
