# SPDX-License-Identifier: Apache-2.0
"""The regions of the clouds that a stack can stand in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.names.spelling import choices

_AWS = (
    "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 "
    "ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 "
    "ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 "
    "eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 "
    "mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
)
_GCP = (
    "africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 "
    "asia-south1 asia-south2 asia-southeast1 asia-southeast2 australia-southeast1 "
    "australia-southeast2 europe-central2 europe-north1 europe-north2 europe-southwest1 "
    "europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9 "
    "europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1 "
    "northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 "
    "us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4"
)
_AZURE = (
    "australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth "
    "canadacentral canadaeast centralindia centralus chilecentral eastasia eastus eastus2 "
    "francecentral germanywestcentral indonesiacentral israelcentral italynorth japaneast "
    "japanwest koreacentral koreasouth malaysiawest mexicocentral newzealandnorth "
    "northcentralus northeurope norwayeast polandcentral qatarcentral southafricanorth "
    "southcentralus southindia southeastasia spaincentral swedencentral switzerlandnorth "
    "uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3"
)
REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"AWS": tuple(_AWS.split()), "GCP": tuple(_GCP.split()), "AZURE": tuple(_AZURE.split())}
)
"""By Confluent's name of the cloud: what the clouds themselves list, in November 2026.

Those of AWS are of its standard partition: roles have other names in China and GovCloud.
"""


def region_problem(cloud: str, region: str) -> str:
    """Return why ``region`` is none of ``cloud``, or nothing."""
    if region in REGIONS[cloud]:
        return ""
    if cloud == "AWS" and region.startswith(("cn-", "us-gov-")):
        return f"{region!r} is in another partition of AWS, which this program does not know"
    elsewhere = [name for name, regions in REGIONS.items() if region in regions]
    if elsewhere:
        return f"{region!r} is a region of {elsewhere[0]}, not of {cloud}"
    return f"{region!r} is no region of {cloud}; {choices(region, REGIONS[cloud])}"
