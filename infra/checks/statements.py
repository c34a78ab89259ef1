"""The permissions of a stage's functions and service roles: `python -m infra.checks.statements [cdk.out]`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.checks.nag import flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Statement:
    """One statement of a role.

    resource: the logical ID of the role or policy that contains the statement. role: the logical ID of the role. path:
    the role's path in the stack. reasons: why each cdk-nag finding is accepted, by the finding's name.
    """

    resource: str
    role: str
    path: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: str
    reasons: dict[str, str]


def statements(template: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield every statement of every role in a template, in the template's order."""
    resources = template["Resources"]
    paths = {name: each.get("Metadata", {}).get("aws:cdk:path", name) for name, each in resources.items()}
    for name, each in resources.items():
        properties = each.get("Properties", {})
        if each["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            roles = [name]
        elif each["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            documents, roles = [properties["PolicyDocument"]], [role["Ref"] for role in properties["Roles"]]
        else:
            continue
        accepted = each.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
        reasons = {rule["id"].removeprefix("AwsSolutions-"): rule["reason"] for rule in accepted}
        for role in roles:
            path = paths[role].partition("/")[2].removesuffix("/Resource").removesuffix("/Role")
            for statement in (each for document in documents for each in document["Statement"]):
                yield Statement(
                    resource=name,
                    role=role,
                    path=path,
                    effect=statement["Effect"],
                    actions=_texts(statement["Action"]),
                    resources=_texts(statement["Resource"]),
                    conditions=json.dumps(statement["Condition"]) if "Condition" in statement else "",
                    reasons=reasons,
                )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(flat(each) for each in (value if isinstance(value, list) else [value]))


def table(permissions: list[Statement]) -> str:
    """Return the statements as a Markdown table, with the reason next to each `*`."""
    rows = ["| role | effect | actions | resources | reason for * |", "|---|---|---|---|---|"]
    for each in permissions:
        reasons = {reason for resource in each.resources if (reason := star_reason(each, resource))}
        resources = ", ".join(each.resources) + (f" if {each.conditions}" if each.conditions else "")
        cells = (each.path, each.effect, ", ".join(each.actions), resources, " ".join(sorted(reasons)))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def star_reason(statement: Statement, resource: str) -> str | None:
    """Return the reason for a `*` in a statement's resource; None if it has no `*`, or no reason was given."""
    if "*" not in resource:
        return None
    if statement.effect == "Deny":
        return "A denial should cover as much as possible."
    return statement.reasons.get(f"IAM5[Resource::{resource}]") or statement.reasons.get("IAM5")


if __name__ == "__main__":
    assembly = Path(sys.argv[1] if len(sys.argv) > 1 else "cdk.out")
    for path in sorted(assembly.glob("*.template.json")):
        sys.stdout.write(table(list(statements(json.loads(path.read_bytes())))))
