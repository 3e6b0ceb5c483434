# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
import warnings

# The SDKs warn of classes of their own while they are imported; nothing here uses those.
# They are imported lazily, attribute by attribute, so each part is named.
PARTS = (
    "pulumi_eks",
    "pulumi_aws.ec2",
    "pulumi_aws.eks",
    "pulumi_aws.iam",
    "pulumi_aws.vpc",
    "pulumi_confluentcloud",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
    "pulumi_kubernetes.storage.v1",
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for part in PARTS:
        # Asking for any attribute is what makes a lazy module load.
        hasattr(importlib.import_module(part), "Resource")
