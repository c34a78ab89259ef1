"""The part of the CDK app's template that SAM runs on a machine without AWS: models, their workers, their HTTP API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.repository import ROOT

CONTEXT = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""What the CDK command line sets by itself; without it `sam build` says that it succeeded and builds nothing."""
ENDPOINT = "AWS_ENDPOINT_URL"
TARGET = "aws:asset:docker-build-target"
FUNCTION, ALIAS, API = "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::ApiGatewayV2"


@dataclass(frozen=True)
class Template:
    """A template that SAM reads, and the logical ids of the models' functions and of their workers by their folders."""

    path: Path
    functions: dict[str, str]
    workers: dict[str, str]


def synthesize(output: Path, build_args: dict[str, str], stage: str = "dev") -> Template:
    """Run the CDK app as its command line does, and write what SAM can run of its stacks."""
    context = {**CONTEXT, "stage": stage, **{name.lower(): value for name, value in build_args.items()}}
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps(context)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    whole = merged([json.loads(path.read_bytes()) for path in sorted(output.glob(f"modelet-{stage}-*.template.json"))])
    functions, workers = images(whole, "online"), images(whole, "worker")
    path = output / "models.template.json"
    path.write_text(json.dumps({"Resources": runnable(whole, set(functions.values()), set(workers.values()))}))
    return Template(path, functions, workers)


def merged(templates: list[dict[str, Any]]) -> dict[str, Any]:
    """The resources of all stacks as one stack's: the API's id, which models read from a parameter, is a reference.

    What has the same name in many stacks is none of what SAM runs.
    """
    found: dict[str, Any] = {}
    for template in templates:
        found |= template["Resources"]
    [api] = [name for name, resource in found.items() if resource["Type"] == f"{API}::Api"]
    for resource in found.values():
        if "ApiId" in resource.get("Properties", {}):
            resource["Properties"]["ApiId"] = {"Ref": api}
    return found


def images(resources: dict[str, Any], target: str) -> dict[str, str]:
    """The logical ids of the functions whose image is of a target of functions/Dockerfile, by their folders."""
    return {
        resource["Metadata"]["aws:asset:docker-build-args"]["FUNCTION"]: name
        for name, resource in resources.items()
        if resource["Type"] == FUNCTION and resource.get("Metadata", {}).get(TARGET) == target
    }


def runnable(resources: dict[str, Any], models: set[str], workers: set[str]) -> dict[str, Any]:
    """The models' functions, their workers, and the API with the routes to the models.

    Left out is what needs Lambda's own base image, which no index of packages has: the functions on the layer, so
    `$default` and the routes of batches and jobs too. The emulated services need a variable, and SAM sets only
    variables that a template has.
    """
    kept = {name: resources[name] for name in models | workers}
    for function in kept.values():
        function["Properties"]["Environment"]["Variables"][ENDPOINT] = ""
    kept |= {name: one for name, one in resources.items() if one["Type"] in {f"{API}::Api", f"{API}::Stage"}}
    for name, one in resources.items():
        if one["Type"] == f"{API}::Integration":
            function = called(resources, one["Properties"]["IntegrationUri"])
            if function in models:
                # SAM finds a function behind its ARN, not behind its alias.
                one["Properties"]["IntegrationUri"] = {"Fn::GetAtt": [function, "Arn"]}
                kept[name] = one
    for name, one in resources.items():
        if one["Type"] == f"{API}::Route" and integration(one) in kept:
            kept[name] = one
    return kept


def called(resources: dict[str, Any], reference: dict[str, Any]) -> str:
    """The logical id of the function that a reference means, through its alias if there is one."""
    name = str(reference.get("Ref") or reference["Fn::GetAtt"][0])
    if resources[name]["Type"] == ALIAS:
        return called(resources, resources[name]["Properties"]["FunctionName"])
    return name


def integration(route: dict[str, Any]) -> str:
    """The logical id of a route's integration: its target is `integrations/` and a reference to that."""
    target: dict[str, Any] = route["Properties"]["Target"]["Fn::Join"][1][1]
    return str(target["Ref"])
