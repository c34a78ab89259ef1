"""model.yaml: what a model is, wants and may use; the only door to YAML.

The YAML read here is the part of YAML 1.2 that says one thing only: `true` and `false`, decimal numbers, `null`; all
else is text (so `no` is text and 012 is no octal). Tags, anchors and repeated keys are refused.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import GenerateJsonSchema

from modelet.dev.wording import nearest, quoted, sentence
from modelet.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

MODEL_YAML = "model.yaml"
ENVIRONMENT_BYTES = 4096
"""What Lambda allows for the names and values of all environment variables of a function."""

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables"
RESERVED_VARIABLES = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY"
    r"|AWS_SESSION_TOKEN|AWS_LAMBDA_(FUNCTION_.*|LOG_.*|RUNTIME_API|INITIALIZATION_TYPE)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
    r"|MODELET_.*"
)


def _as_text(value: object) -> object:
    """Let a whole number stand for its text; refuse what YAML has already changed (1.10 arrives as 1.1)."""
    if isinstance(value, bool | float):
        raise ValueError(f"YAML reads {quoted(value)} here, which is no text: put the value in quotes")  # noqa: TRY004 - pydantic reports a ValueError
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]
Version = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=63)]
Variable = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]+$")]
StageName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=32)]


class Section(BaseModel):
    """A mapping of model.yaml: a key that nothing reads is not accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: object) -> object:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                known = cls._places()
                near = nearest(str(key), known)
                remedy = f"did you mean {known[near]}?" if near else f"the keys are {', '.join(cls.model_fields)}"
                raise ValueError(f"unknown key {quoted(key)}: {remedy}")
        return data

    @classmethod
    def _places(cls) -> dict[str, str]:
        """Every key that may be meant, by name, with its place: a key of this section, or one of a section below it."""
        places: dict[str, str] = {}
        for name, field in cls.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                places |= {leaf: f"{name}.{leaf}" for leaf in field.annotation.model_fields}
        return places | {name: name for name in cls.model_fields}


class Preprocessing(Section):
    """A function of the model's folder that turns instances into the graph's inputs."""

    module: str = Field(pattern=r"^[A-Za-z_]\w*$", description="A module of the model's folder, without .py.")
    function: str = Field(pattern=r"^[A-Za-z_]\w*$", description="Takes the instances, gives the graph's inputs.")


class Resources(Section):
    """What one environment has."""

    memory_mb: int = Field(default=512, ge=128, le=10_240, description="Memory; Lambda gives one vCPU per 1,769 MB.")
    timeout_s: int = Field(default=10, ge=1, le=900, description="The longest that one request may take.")
    tmp_mb: int = Field(default=512, ge=512, le=10_240, description="The size of /tmp.")
    architecture: Literal["x86_64", "arm64"] = "x86_64"


class Scaling(Section):
    """How many environments there may be, and how many are kept warm."""

    max_concurrency: int = Field(
        default=10, ge=1, le=1000, description="The most requests that are answered at one time."
    )
    provisioned: int = Field(
        default=0, ge=0, le=1000, description="Environments that are initialised before traffic comes."
    )


class Limits(Section):
    """What one request may ask for."""

    max_instances: int = Field(default=100_000, ge=1, le=1_000_000, description="The most instances in one request.")


Environment = Annotated[dict[Variable, Text], Field(description="Environment variables of the function.")]


class Stage(Section):
    """What differs in one stage: only the keys given here replace the model's own."""

    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = {}


class ModelSpec(Section):
    """The contents of model.yaml; every key has a default, so that an empty mapping is a spec."""

    version: Version = Field(
        default="latest", description="The version or alias to serve; `modelet pin` writes it to model.lock."
    )
    backend: Literal["onnx", "sklearn"] = Field(
        default="onnx", description="sklearn unpickles a joblib file; onnx runs no code."
    )
    preprocessing: Preprocessing | None = None
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = {}
    stages: dict[StageName, Stage] = Field(default={}, description="What differs by stage.")

    @model_validator(mode="after")
    def _refuse_the_impossible(self) -> ModelSpec:
        if self.version == "aliases":
            raise ValueError("version: 'aliases' is the name of a folder in every store: choose another version")
        if self.scaling.provisioned > self.scaling.max_concurrency:
            raise ValueError(
                f"scaling.provisioned: {self.scaling.provisioned} is above max_concurrency, "
                f"{self.scaling.max_concurrency}: raise that or lower this"
            )
        for name in self.environment:
            if RESERVED_VARIABLES.fullmatch(name):
                raise ValueError(f"environment.{name}: is set by Lambda or by Modelet: choose another name")
        if (size := sum(len(f"{k}{v}".encode()) for k, v in self.environment.items())) > ENVIRONMENT_BYTES:
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
        for section, given in over.model_dump(exclude_unset=True).items():
            merged[section] |= given
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
