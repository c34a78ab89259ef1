"""cdk-nag: its AwsSolutions rules run at every synth; each exception needs a reason next to it in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Stack, Validations
from cdk_nag import AwsSolutionsChecks

if TYPE_CHECKING:
    from aws_cdk import App
    from constructs import IConstruct


def check(app: App) -> None:
    """Add cdk-nag to every synth of the app; a finding without a reason fails the synth.

    The reasons are written to the templates (`Metadata.cdk_nag`), where auditors and our own tests read them.
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, write_suppressions_to_cloud_formation=True))


def accept_warning(construct: IConstruct, name: str, reason: str) -> None:
    """Accept one of the CDK's own warnings for a construct, with a reason. name: without `@aws-cdk/`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"Annotation::@aws-cdk/{name}", reason=reason))


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept violations of a rule in a construct and its children, with a reason.

    rule: the rule without its pack, such as `S1`, or one finding of it, such as `IAM5[Resource::*]`.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def accept_resource(construct: IConstruct, arn: str, reason: str) -> None:
    """Accept a resource with a `*` in a construct's statement, with a reason. arn: the resource; may have tokens."""
    accept(construct, f"IAM5[Resource::{flat(Stack.of(construct).resolve(arn))}]", reason)


def flat(value: Any) -> str:
    """Return a template value as a string, as cdk-nag writes it: <Name.Attribute> is known only to CloudFormation."""
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
