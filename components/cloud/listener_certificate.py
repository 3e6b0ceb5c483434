# SPDX-License-Identifier: Apache-2.0
"""The certificate that clients see: asked for at ACM, and proved by a record in the name's zone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources

VALIDATION_TIMEOUTS = pulumi.CustomTimeouts(create="75m")


@dataclass(frozen=True)
class ListenerCertificateArgs:
    """The name to certify, in the hosted zone of Route 53 that holds it, for one region."""

    hostname: str
    zone: str
    region: str
    tags: dict[str, str]


class ListenerCertificate(pulumi.ComponentResource):
    """A certificate of ACM, renewed by it for as long as the record stands.

    ``arn`` is known once the certificate is valid: a load balancer refuses it before.
    """

    def __init__(
        self,
        name: str,
        args: ListenerCertificateArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kafka-gateway:data-plane:ListenerCertificate", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        provider = aws.Provider(f"{name}-aws", region=args.region, opts=own)
        tags = {**args.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}
        resources = AwsResources(self, provider, name, args.hostname, tags)
        certificate = aws.acm.Certificate(
            name,
            domain_name=args.hostname,
            validation_method="DNS",
            tags=resources.tagged("certificate"),
            opts=resources.options(),
        )
        asked = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args.zone,
            name=asked.resource_record_name,
            type=asked.resource_record_type,
            records=[asked.resource_record_value],
            ttl=300,
            # Of one name there is one record, in whichever stack it was made.
            allow_overwrite=True,
            opts=resources.options(),
        )
        valid = aws.acm.CertificateValidation(
            f"{name}-valid",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=resources.options(custom_timeouts=VALIDATION_TIMEOUTS),
        )
        self.arn = valid.certificate_arn
        self.register_outputs({"arn": self.arn})
