"""The state machine that runs the batches of all models of a stage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.checks.nag import accept, accept_resource
from infra.discovery import BATCHES, worker_name
from modelet.batch import table

if TYPE_CHECKING:
    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.stage import Stage

DEFINITION = Path(table.__file__).with_name("machine.asl.json")
"""The definition, which the laptop's emulator runs as it is."""


def machine_arn(scope: Construct, stage: Stage) -> str:
    """Return the ARN of a stage's state machine."""
    return Stack.of(scope).format_arn(
        service="states",
        resource="stateMachine",
        resource_name=stage.function_name(BATCHES),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def executions_arn(scope: Construct, stage: Stage, label: str = "") -> str:
    """Return the ARN of all executions of the state machine, or of the children of its map with that label."""
    return Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{stage.function_name(BATCHES)}{'/' if label else ''}{label}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


class BatchMachine(Construct):
    """Plan, a distributed map over the chunks, and finish: each step invokes a version of the model's worker.

    An execution's input names the batch, the version's ARN, and how many chunks run at one time. The emulator of a
    laptop ignores that number and runs at most 64, which wait for the pool of `modelet up`. The control table has the
    state of a batch, not the execution. machine: the state machine.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: BatchStorage) -> None:
        super().__init__(scope, construct_id)
        name = stage.function_name(BATCHES)
        role = self._role(stage, storage)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(
                DEFINITION.read_text().replace("arn:aws:", f"arn:{Aws.PARTITION}:")
            ),
            role=role.without_policy_updates(),
            tracing_enabled=stage.tracing,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.machine.node.add_dependency(role)
        accept(
            self.machine,
            "SF1",
            "The control table has the state and the errors of each chunk, and workers write logs; AWS keeps the "
            "history of executions for 90 days.",
        )
        if not stage.tracing:
            accept(self.machine, "SF2", "infra/stage.py has tracing=False for this stage.")

    def _role(self, stage: Stage, storage: BatchStorage) -> iam.Role:
        """Create the role: invoke workers, read lists of chunks, and run the children of its own map.

        Source: docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html.
        """
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
            description=f"Role of the state machine of batches, {stage.name}",
        )
        workers = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{stage.function_name(worker_name('*'))}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        lists = stack.format_arn(
            service="s3", region="", account="", resource=storage.bucket, resource_name="*/chunks/*"
        )
        children = executions_arn(self, stage, "Chunks")
        for actions, resource, reason in (
            (["lambda:InvokeFunction"], workers, "The versions of the workers of all models of the stage."),
            (["s3:GetObject"], lists, "The lists of chunks of all batches, which the map reads."),
            (["states:StartExecution"], machine_arn(self, stage), ""),
            (
                ["states:DescribeExecution", "states:StopExecution"],
                children,
                "The children of the machine's own map; Step Functions names them.",
            ),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
            if reason:
                accept_resource(role, resource, reason)
        if stage.tracing:
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=[
                        "xray:GetSamplingRules",
                        "xray:GetSamplingTargets",
                        "xray:PutTelemetryRecords",
                        "xray:PutTraceSegments",
                    ],
                    resources=["*"],
                )
            )
            accept_resource(role, "*", "X-Ray has no permissions for single resources.")
        return role
