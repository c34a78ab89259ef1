"""The web firewall of a REST API: AWS's managed rules, and a rate limit per IP address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stage import Stage

WINDOW_S = 300
LEAST = 10
"""The window in seconds in which WAF counts an address's requests, and the lowest limit that it accepts."""

BODY_RULES = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "EC2MetaDataSSRF_BODY",
)
"""Rules of AWS's common rule group that inspect bodies: they only count, because a body here is data for a model.

A batch of rows exceeds their 8 KB, and a review may well contain HTML.
Source: docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html.
"""

GROUPS: dict[str, Sequence[str]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": BODY_RULES,
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}
"""AWS's managed rule groups, each with the rules that only count."""


class Firewall(Construct):
    """A regional web ACL for one resource.

    resource_arn: the ARN of a REST API's stage.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        resource_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = stage.prefix
        groups = [_managed(priority, *group) for priority, group in enumerate(GROUPS.items(), start=1)]
        self.acl = wafv2.CfnWebACL(
            self,
            "Acl",
            name=name,
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[_by_address(stage.throttle_rate), *groups],
            visibility_config=_visible(name),
        )
        wafv2.CfnWebACLAssociation(self, "Association", resource_arn=resource_arn, web_acl_arn=self.acl.attr_arn)


def _by_address(rate: int) -> wafv2.CfnWebACL.RuleProperty:
    """Limit an address to half of what the stage allows. rate: the stage's requests per second."""
    return wafv2.CfnWebACL.RuleProperty(
        name="RateByAddress",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=max(LEAST, rate * WINDOW_S // 2), evaluation_window_sec=WINDOW_S
            )
        ),
        visibility_config=_visible("RateByAddress"),
    )


def _managed(priority: int, group: str, counting: Sequence[str]) -> wafv2.CfnWebACL.RuleProperty:
    overrides = [
        wafv2.CfnWebACL.RuleActionOverrideProperty(
            name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
        )
        for rule in counting
    ]
    return wafv2.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group, rule_action_overrides=overrides or None
            )
        ),
        visibility_config=_visible(group),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
