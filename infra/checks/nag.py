"""cdk-nag: its AwsSolutions rules run at every synth, and whatever they may not ask for has its reason beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Stack, Validations
from cdk_nag import AwsSolutionsChecks

if TYPE_CHECKING:
    from aws_cdk import App
    from constructs import IConstruct


def check(app: App) -> None:
    """Have every synth of the app checked; a finding without a reason fails it.

    The reasons go into the templates (`Metadata.cdk_nag`), where auditors and our own tests read them.
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, write_suppressions_to_cloud_formation=True))


def accept_warning(construct: IConstruct, name: str, reason: str) -> None:
    """Say why a warning of the CDK's own does not hold for a construct. name: without `@aws-cdk/`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"Annotation::@aws-cdk/{name}", reason=reason))


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Say why a rule does not hold for a construct and all below it.

    rule: the rule without its pack, such as `S1`, or one finding of it, such as `IAM5[Resource::*]`.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def accept_resource(construct: IConstruct, arn: str, reason: str) -> None:
    """Say why a statement of the construct names a resource with a `*` in it. arn: the resource, tokens and all."""
    accept(construct, f"IAM5[Resource::{flat(Stack.of(construct).resolve(arn))}]", reason)


def flat(value: Any) -> str:
    """A value of a template as one text, in which cdk-nag writes what only CloudFormation knows as <Name.Attribute>."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(flat(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [*path]}:
            return f"<{'.'.join(path)}>"
        case {"Fn::ImportValue": name}:
            return flat(name)
    return str(value)
