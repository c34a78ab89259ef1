"""The steps of a deployment: their order, their options, and what happens when one fails.

The CDK and `modelet` are scripts here, which write down how they are called; `make deploy-local` runs the real ones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.deploy import has_worker
from support.repository import ROOT

from .conftest import FULL, Synthesized

CDK = """#!/bin/sh
echo "cdk $*" >> calls.txt
outputs='{"modelet-dev-storage": {"StoreUrl": "s3://bucket/models"}}'
case "$*" in *--outputs-file*) echo "$outputs" > .modelet/storage.json;; esac
for stack in $(cat fails 2> /dev/null); do case " $* " in *" $stack "*) exit 1;; esac; done
"""
MODELET = """#!/bin/sh
echo "modelet $*" >> calls.txt
test ! -e push-fails
"""
STACK = {"type": "aws:cloudformation:stack"}
ASSEMBLY = {
    "modelet-dev-storage": STACK,
    "modelet-dev-api": STACK,
    "modelet-dev-model-a": STACK,
    "modelet-dev-model-a.assets": {"type": "cdk:asset-manifest"},
    "modelet-dev-model-b": STACK,
}
STORAGE, PUSH, API = "modelet-dev-storage", "push --to s3://bucket/models", "modelet-dev-api"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, script in {".tools/node/node_modules/.bin/cdk": CDK, "bin/modelet": MODELET}.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assembly = tmp_path / ".modelet" / "cdk.out"
    assembly.mkdir(parents=True)
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": ASSEMBLY}))
    for name, functions in {"a": ["a", "a-check", "a-worker"], "b": ["b", "b-check"]}.items():
        resources = {
            f"Function{number}": {"Properties": {"FunctionName": f"modelet-dev-{function}"}}
            for number, function in enumerate(functions)
        }
        template = {"Resources": {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}, **resources}}
        (assembly / f"modelet-dev-model-{name}.template.json").write_text(json.dumps(template))
    return tmp_path


def deploy(project: Path, *words: str) -> tuple[int, list[str], str]:
    """Run the steps; return the exit code, what was called (the stack, or the push), and stderr."""
    places = (ROOT, ROOT / "layers" / "modelet" / "python", sysconfig.get_path("purelib"))
    done = subprocess.run(
        [project / "bin" / "python", "-m", "infra.deploy", "modelet", "dev", *words],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(map(str, places))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [named(call) for call in (project / "calls.txt").read_text().splitlines()], done.stderr


def named(call: str) -> str:
    """The stack that a call deploys, or the push."""
    if call.startswith("modelet "):
        return call.removeprefix("modelet ")
    [stack] = re.findall(r"modelet-dev-\S+", call)
    return str(stack)


def options(project: Path) -> str:
    return (project / "calls.txt").read_text()


def test_the_stacks_are_deployed_in_their_order(project: Path) -> None:
    code, calls, _ = deploy(project, "--approval", "never")
    assert code == 0
    assert calls[:3] == [STORAGE, PUSH, API]
    assert sorted(calls[3:]) == ["modelet-dev-model-a", "modelet-dev-model-b"]


def test_the_cdk_takes_what_was_synthesized_and_asks_as_it_is_told(project: Path) -> None:
    deploy(project, "--approval", "any-change")
    assert options(project).count("--app .modelet/cdk.out deploy --exclusively --require-approval any-change ") == 4


def test_one_model_leaves_the_api_and_the_others_alone(project: Path) -> None:
    code, calls, _ = deploy(project, "b")
    assert (code, calls) == (0, [STORAGE, "push b --to s3://bucket/models", "modelet-dev-model-b"])


def test_one_model_with_a_worker_brings_what_workers_share_before_itself(project: Path) -> None:
    code, calls, _ = deploy(project, "a")
    assert (code, calls) == (0, [STORAGE, "push a --to s3://bucket/models", API, "modelet-dev-model-a"])
    (project / "calls.txt").unlink()
    (project / "fails").write_text(API)
    code, calls, errors = deploy(project, "a")
    assert (code, calls[-1]) == (1, API)
    assert errors == f"error: {API} was not deployed: the lines above say why\n"


def test_a_worker_is_found_in_what_was_synthesized(full: Synthesized) -> None:
    found = {model: has_worker(full.outdir, FULL, model) for model in full.models}
    assert found == {
        "breast-cancer": False,
        "churn": False,
        "diabetes": False,
        "ner": False,
        "sentiment": True,
        "toolbox": False,
    }


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_number_at_once_that_deploys_nothing_is_refused_before_anything_is_deployed(
    project: Path, number: str
) -> None:
    (project / "calls.txt").touch()
    code, calls, errors = deploy(project, "--at-once", number)
    assert (code, calls) == (2, [])
    assert errors.endswith(f"{number} deploys nothing: use 1 or more\n")


def test_a_model_that_fails_stops_no_other(project: Path) -> None:
    (project / "fails").write_text("modelet-dev-model-a")
    code, calls, errors = deploy(project, "--at-once", "1", "--approval", "never")
    assert code == 1
    assert calls[3:] == ["modelet-dev-model-a", "modelet-dev-model-b"]
    assert errors.splitlines() == [
        "error: modelet-dev-model-a was not deployed, and still serves what it served before",
        "error: some models were not deployed, see the lines above; all others were",
    ]


@pytest.mark.parametrize(
    ("failing", "called"),
    [(STORAGE, [STORAGE]), (API, [STORAGE, PUSH, API])],
)
def test_a_shared_stack_that_fails_ends_the_deployment(project: Path, failing: str, called: list[str]) -> None:
    (project / "fails").write_text(failing)
    code, calls, errors = deploy(project)
    assert (code, calls) == (1, called)
    assert errors == f"error: {failing} was not deployed: the lines above say why\n"


def test_nothing_is_deployed_whose_version_was_not_copied(project: Path) -> None:
    (project / "push-fails").touch()
    code, calls, errors = deploy(project)
    assert (code, calls) == (1, [STORAGE, PUSH])
    assert errors == "error: the versions were not copied to the bucket: the lines above say why\n"
