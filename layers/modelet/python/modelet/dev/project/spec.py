"""model.yaml: what a model is, wants and may use; the only door to YAML.

The YAML read here is the part of YAML 1.2 that says one thing only: `true` and `false`, decimal numbers, `null`; all
else is text (so `no` is text and 012 is no octal). Tags, anchors and repeated keys are refused.
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
from modelet.dev.project.messages import quoted, sentence
from modelet.dev.project.sections import (
    ENVIRONMENT_BYTES,
    RESERVED_VARIABLES,
    Artifact,
    Backend,
    Batch,
    Environment,
    Limits,
    Preprocessing,
    Resources,
    Scaling,
    Secrets,
    Section,
    StageName,
    StageSection,
    Tags,
    Version,
)
from modelet.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

MODEL_YAML = "model.yaml"


class ModelSpec(Section):
    """The contents of model.yaml; every key has a default, so that an empty mapping is a spec."""

    version: Version = Field(
        default="latest", description="The version or alias to serve; `modelet pin` writes it to model.lock."
    )
    backend: Backend = Field(
        default=DEFAULT,
        description="; ".join(f"{record.name}: {record.summary}" for record in BACKENDS.values()) + ".",
    )
    preprocessing: Preprocessing | None = None
    artifact: Artifact = "store"
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = Field(default={})
    secrets: Secrets = Field(default={})
    vpc: bool = Field(default=False, description="Run in the VPC that the stage names in infra/stage.py.")
    tags: Tags = Field(default={})
    batch: Batch | None = Field(default=None, description="Keep what batches predict in a table of the model's own.")
    stages: dict[StageName, StageSection] = Field(default={}, description="What differs by stage.")

    @model_validator(mode="after")
    def _refuse_the_impossible(self) -> ModelSpec:
        if self.version == "aliases":
            raise ValueError("version: 'aliases' is the name of a folder in every store: choose another version")
        self.scaling.refuse_the_impossible(self.resources)
        for name in (*self.environment, *self.secrets):
            section = "secrets" if name in self.secrets else "environment"
            if RESERVED_VARIABLES.fullmatch(name):
                raise ValueError(f"{section}.{name}: is set by Lambda or by Modelet: choose another name")
        if both := sorted(self.environment.keys() & self.secrets.keys()):
            raise ValueError(f"secrets.{both[0]}: is in environment too: keep it in one of them")
        variables = {**self.environment, **self.secrets}
        if (size := sum(len(f"{k}{v}".encode()) for k, v in variables.items())) > ENVIRONMENT_BYTES:
            raise ValueError(f"environment: {size:,} bytes are above Lambda's {ENVIRONMENT_BYTES:,}: keep less in it")
        for stage in self.stages:
            try:
                self.for_stage(stage)
            except ValidationError as wrong:
                raise ValueError(f"stages.{stage}.{sentence(wrong)}") from None
        return self

    def for_stage(self, stage: str | None) -> ModelSpec:
        """The spec with what the stage overrides; a stage that it does not name changes nothing."""
        over = self.stages.get(stage) if stage else None
        if over is None:
            return self.model_copy(update={"stages": {}})
        merged = self.model_dump(exclude={"stages"})
        for key, given in over.model_dump(exclude_unset=True).items():
            merged[key] = merged[key] | given if isinstance(given, dict) else given
        return ModelSpec.model_validate(merged)


class _Reader(yaml.SafeLoader):
    """The YAML described at the top of this module."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way: add_implicit_resolver below fills it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # types-pyyaml leaves it untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem="tags, anchors and aliases are not read", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is no text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{quoted(key.value)} is said twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _kind, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_spec(path: Path) -> ModelSpec:
    """The spec in a file. Raises SpecError, one line: the file, the key, what is wrong and the remedy."""
    shown = "/".join(path.parts[-3:])
    try:
        data = yaml.load(path.read_bytes(), _Reader)  # noqa: S506 - _Reader is a SafeLoader that refuses even more
    except OSError as error:
        raise SpecError(f"{shown}: cannot be read ({error.strerror}): give the folder a {MODEL_YAML}") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SpecError(f"{shown}: {line}{error.problem}: mend the YAML there") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"{shown}: is not YAML that can be read: write it as UTF-8 text, keys and values") from error
    if not isinstance(data, dict):
        raise SpecError(f"{shown}: holds {quoted(data)}: give keys and values, such as `version: latest`")
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(f"{shown}: {sentence(error)}") from error


class _Schema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False  # a field's name says what "Memory Mb" would


def schema() -> str:
    """functions/model.schema.json: what an editor checks and completes model.yaml with (JSON Schema 2020-12)."""
    body = ModelSpec.model_json_schema(schema_generator=_Schema)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **body}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
