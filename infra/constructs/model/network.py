"""The existing network of functions with `vpc: true`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.checks.nag import accept_warning

if TYPE_CHECKING:
    from infra.stage import StageVpc


class S3Endpoint(Construct):
    """The S3 gateway endpoint in a stage's network; a function's first init downloads its model through it."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc: StageVpc) -> None:
        super().__init__(scope, construct_id)
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc.id,
            service_name=ec2.GatewayVpcEndpointAwsService.S3.name,
            route_table_ids=list(vpc.route_table_ids),
            vpc_endpoint_type="Gateway",
        )


class Network(Construct):
    """A stage's network, as a model's stack uses it.

    placement: the arguments for a function that runs in it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: StageVpc) -> None:
        super().__init__(scope, construct_id)
        imported = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=vpc.id,
            availability_zones=list(vpc.availability_zones),
            private_subnet_ids=list(vpc.subnet_ids),
        )
        for subnet in imported.private_subnets:
            accept_warning(
                subnet, "aws-ec2:noSubnetRouteTableId", "Functions only run in this subnet; nothing reads its routes."
            )
        groups = [
            ec2.SecurityGroup.from_security_group_id(self, f"Group{number}", each, mutable=False)
            for number, each in enumerate(vpc.security_group_ids)
        ]
        self.placement: dict[str, Any] = {
            "vpc": imported,
            "vpc_subnets": ec2.SubnetSelection(subnets=imported.private_subnets),
            "security_groups": groups,
        }
