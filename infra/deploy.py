"""The steps of `make deploy` after synth: `python -m infra.deploy PROJECT STAGE [MODEL]`.

The storage stack is deployed first, then the locked versions are copied to its bucket, then the API's stack and the
stack of each model are deployed. A model that fails its check rolls back alone, and all others are deployed. Of one
model alone, the API's stack is deployed only if the model has batches or jobs: what their workers share is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from infra.discovery import worker_name
from infra.stage import find_stage
from modelet.errors import CommandError, ModeletError

if TYPE_CHECKING:
    from infra.stage import Stage

CDK = ".tools/node/node_modules/.bin/cdk"
SYNTHESIZED = ".modelet/cdk.out"
OUTPUTS = Path(".modelet") / "storage.json"
TOOLS = Path(sys.executable).parent
"""The folder of the environment's commands, such as `modelet`."""
NEVER = "never"
"""The approval with which the CDK asks nothing, so that several stacks can be deployed at the same time."""


def main() -> int:
    """Deploy a synthesized stage, or one model of it. Return 1, with lines on stderr, if a step fails."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=main.__doc__)
    parser.add_argument("project")
    parser.add_argument("stage")
    parser.add_argument("model", nargs="?", help="the only model to deploy")
    parser.add_argument("--approval", default="broadening", help="when the CDK asks: never, broadening or any-change")
    parser.add_argument(
        "--at-once", type=int, default=4, help="the models that are deployed at once, if nothing is asked"
    )
    arguments = parser.parse_args()
    if arguments.at_once < 1:
        parser.error(f"--at-once (AT_ONCE of make): {arguments.at_once} deploys nothing: use 1 or more")
    try:
        stage = find_stage(arguments.stage, arguments.project)
        deploy(stage, arguments.model, approval=arguments.approval, at_once=arguments.at_once)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def deploy(stage: Stage, model: str | None = None, *, approval: str = NEVER, at_once: int = 4) -> None:
    """Deploy the stacks of a stage in their order; with a model, only those that the model needs.

    The CDK leaves a stack as it is that would not change. Raises CommandError if a stack cannot be deployed or the
    versions cannot be copied.
    """
    storage = stage.stack_name("storage")
    _require(_cdk(storage, approval, "--outputs-file", str(OUTPUTS)), storage)
    push = [str(TOOLS / "modelet"), "push", *([model] if model else []), "--to", store_url(OUTPUTS, storage)]
    if subprocess.run(push, check=False).returncode:  # noqa: S603 - the environment's own command
        raise CommandError("the versions were not copied to the bucket: the lines above say why")
    if model is None or has_worker(Path(SYNTHESIZED), stage, model):
        api = stage.stack_name("api")
        _require(_cdk(api, approval), api)
    if model:
        stack = stage.model_stack_name(model)
        _require(_cdk(stack, approval), stack)
        return
    _deploy_models(model_stacks(Path(SYNTHESIZED), stage), approval, at_once if approval == NEVER else 1)


def model_stacks(assembly: Path, stage: Stage) -> list[str]:
    """Return the names of the models' stacks in a synthesized assembly."""
    artifacts = json.loads((assembly / "manifest.json").read_bytes())["artifacts"]
    start = stage.model_stack_name("")
    return [
        name
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack" and name.startswith(start)
    ]


def has_worker(assembly: Path, stage: Stage, model: str) -> bool:
    """Return whether a model of a synthesized assembly has a worker, for batches or jobs."""
    template = json.loads((assembly / f"{stage.model_stack_name(model)}.template.json").read_bytes())
    names = [each.get("Properties", {}).get("FunctionName") for each in template["Resources"].values()]
    return stage.function_name(worker_name(model)) in names


def store_url(outputs: Path, stack: str) -> str:
    """Return the URL of the store from the outputs of the storage stack."""
    return str(json.loads(outputs.read_bytes())[stack]["StoreUrl"])


def _deploy_models(stacks: list[str], approval: str, at_once: int) -> None:
    """Deploy the models' stacks. Raises CommandError, after all others were deployed, if some failed."""

    def is_deployed(stack: str) -> bool:
        if _cdk(stack, approval):
            return True
        sys.stderr.write(f"error: {stack} was not deployed, and still serves what it served before\n")
        return False

    with ThreadPoolExecutor(at_once) as pool:
        if not all([*pool.map(is_deployed, stacks)]):
            raise CommandError("some models were not deployed, see the lines above; all others were")


def _cdk(stack: str, approval: str, *options: str) -> bool:
    """Deploy one stack of the assembly; return whether it succeeded."""
    command = [CDK, "--no-notices", "--app", SYNTHESIZED, "deploy", "--exclusively", "--require-approval", approval]
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([*command, stack, *options], check=False, env=environment)  # noqa: S603 - the project's own CDK
    return done.returncode == 0


def _require(succeeded: bool, stack: str) -> None:
    if not succeeded:
        raise CommandError(f"{stack} was not deployed: the lines above say why")


if __name__ == "__main__":
    sys.exit(main())
