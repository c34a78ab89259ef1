"""Read and validate model.yaml. Only this module reads YAML.

It reads an unambiguous subset of YAML 1.2: `true` and `false`, decimal numbers and `null`. Everything else is text (so
`no` is text, and 012 is not octal). Tags, anchors and duplicate keys are errors.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic.json_schema import GenerateJsonSchema

from modelet.backends import BACKENDS, DEFAULT
from modelet.dev.project.features_section import Features, RowId, check_features
from modelet.dev.project.logic_section import Logic  # noqa: TC001 - pydantic reads the field's type
from modelet.dev.project.messages import quoted, sentence
from modelet.dev.project.sections import (
    ENVIRONMENT_BYTES,
    RESERVED_VARIABLES,
    Artifact,
    Backend,
    Config,
    Environment,
    Limits,
    Predictor,
    Preprocessing,
    Quantize,
    Resources,
    Scaling,
    Secrets,
    Section,
    StageName,
    Tags,
    Version,
)
from modelet.dev.project.stage_section import StageSection  # noqa: TC001 - pydantic reads the field's type
from modelet.dev.project.worker_sections import Batch, Jobs, Worker
from modelet.errors import SpecError
from modelet.store.keys import CODE

if TYPE_CHECKING:
    from pathlib import Path

MODEL_YAML = "model.yaml"


class ModelSpec(Section):
    """The contents of model.yaml. Every key has a default, so an empty mapping is valid."""

    version: Version = Field(
        default="latest",
        description="The version or alias to serve; `modelet pin` pins it in model.lock. "
        "code: the function's code is the version, and no trained model is published.",
    )
    backend: Backend = Field(
        default=DEFAULT,
        description="; ".join(f"{record.name}: {record.summary}" for record in BACKENDS.values())
        + "; auto: the first of them that serves the model exactly, which `modelet publish` finds out.",
    )
    preprocessing: Preprocessing | None = None
    predictor: Predictor | None = None
    config: Config = Field(default={}, description="What a predictor's __init__ gets as `config`: any JSON object.")
    logic: Logic | None = Field(default=None, description="Pre- and postprocessing as rules; see docs/logic.md.")
    probabilities: bool = Field(
        default=True,
        description="Whether a classifier without a class answers with the probabilities of all labels, not only with "
        "that of its own label.",
    )
    quantize: Quantize | None = Field(
        default=None, description="Publish an exported model of texts with int8 weights; the loss is measured."
    )
    features: Features | None = Field(
        default=None, description="Fields of the instance that are read from the predictions of another model, by key."
    )
    id: RowId | None = None
    artifact: Artifact = "store"
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = Field(default={})
    secrets: Secrets = Field(default={})
    vpc: bool = Field(default=False, description="Run in the stage's VPC, from infra/stage.py.")
    tags: Tags = Field(default={})
    batch: Batch | None = Field(
        default=None, description="Score many rows at a time; their predictions are in a table of this model, or in S3."
    )
    jobs: Jobs | None = Field(default=None, description="Take requests that are answered later.")
    worker: Worker | None = Field(default=None, description="The function that does batches and jobs.")
    stages: dict[StageName, StageSection] = Field(default={}, description="Overrides for stages, by name.")

    @model_validator(mode="after")
    def _check_consistency(self) -> ModelSpec:
        if self.version == CODE and self.artifact == "baked":
            raise ValueError(
                "artifact: baked puts a version's files into the image, but version: code has none: remove it"
            )
        if self.version == "aliases":
            raise ValueError("version: 'aliases' is a reserved folder in every store: choose another version")
        self._check_kind()
        self.scaling.check_consistency(self.resources)
        self._check_worker()
        for name in (*self.environment, *self.secrets):
            section = "secrets" if name in self.secrets else "environment"
            if RESERVED_VARIABLES.fullmatch(name):
                raise ValueError(f"{section}.{name}: is set by Lambda or by Modelet: choose another name")
        if both := sorted(self.environment.keys() & self.secrets.keys()):
            raise ValueError(f"secrets.{both[0]}: is also in environment: remove one of them")
        variables = {**self.environment, **self.secrets}
        if (size := sum(len(f"{k}{v}".encode()) for k, v in variables.items())) > ENVIRONMENT_BYTES:
            raise ValueError(f"environment: {size:,} bytes exceed Lambda's limit of {ENVIRONMENT_BYTES:,}: shorten it")
        for stage in self.stages:
            try:
                self.for_stage(stage)
            except ValidationError as wrong:
                raise ValueError(f"stages.{stage}.{sentence(wrong)}") from None
        return self

    def _check_kind(self) -> None:
        for key in ("preprocessing", "logic", "features", "id") if self.predictor is not None else ():
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: is for models with a contract, which a predictor does not have: remove it")
        if self.logic is not None:
            self.logic.check_consistency(self.preprocessing, probabilities=self.probabilities)
        check_features(self.features, self.id)

    def _check_worker(self) -> None:
        if self.batch is not None:
            self.batch.check_consistency()
        if self.own_worker is not None:
            self.own_worker.check_consistency(self.jobs)
        elif self.worker is not None:
            raise ValueError("worker: does batches and jobs, but there are none: add `batch: {}` or `jobs: {}`")

    @property
    def own_worker(self) -> Worker | None:
        """Return the settings of the model's worker, or None if it has neither batches nor jobs."""
        return None if self.batch is None and self.jobs is None else self.worker or Worker()

    def for_stage(self, stage: str | None) -> ModelSpec:
        """Return the spec with the overrides of a stage, if it has any."""
        over = self.stages.get(stage) if stage else None
        if over is None:
            return self.model_copy(update={"stages": {}})
        merged = self.model_dump(exclude={"stages"})
        for key, given in over.model_dump(exclude_unset=True).items():
            merged[key] = (merged[key] or {}) | given if isinstance(given, dict) else given
        return ModelSpec.model_validate(merged)


class _Reader(yaml.SafeLoader):
    """Loads the subset of YAML that the module's docstring describes."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way: add_implicit_resolver below fills it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # types-pyyaml leaves it untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(
                problem="tags, anchors and aliases are not supported", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is not text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {quoted(key.value)}", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _kind, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _remedy(error: yaml.MarkedYAMLError) -> str:
    """Return what to do about YAML that cannot be read: signs such as `*` begin something else in it."""
    is_sign = error.context in {
        "while scanning an alias",
        "while scanning an anchor",
        "while scanning for the next token",
    }
    return 'fix it there; operators of rules that are signs need quotes, as in "*"' if is_sign else "fix it there"


def read_spec(path: Path) -> ModelSpec:
    """Read a spec from a file. Raises SpecError: one line with the file, the key, the error and the remedy."""
    shown = "/".join(path.parts[-3:])
    try:
        data = yaml.load(path.read_bytes(), _Reader)  # noqa: S506 - _Reader is a stricter SafeLoader
    except OSError as error:
        raise SpecError(f"{shown}: cannot be read ({error.strerror}): add a {MODEL_YAML} to the folder") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SpecError(f"{shown}: {line}{error.problem}: {_remedy(error)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"{shown}: is not valid YAML: write keys and values as UTF-8 text") from error
    if not isinstance(data, dict):
        raise SpecError(f"{shown}: contains {quoted(data)}: write keys and values, such as `version: latest`")
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(f"{shown}: {sentence(error)}") from error


class _Schema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False  # a title such as "Memory Mb" would only repeat the field's name


def schema() -> str:
    """Return functions/model.schema.json (JSON Schema 2020-12), with which editors check and complete model.yaml."""
    body = ModelSpec.model_json_schema(schema_generator=_Schema)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **body}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
