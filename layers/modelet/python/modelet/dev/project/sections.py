"""The parts of model.yaml: what each key may be, and what it is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from modelet.backends import BACKENDS
from modelet.dev.project.cron import read_cron, refuse_unknown_zone
from modelet.dev.project.messages import nearest, quoted

ENVIRONMENT_BYTES = 4096
"""What Lambda allows for the names and values of all environment variables of a function."""

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables"
RESERVED_VARIABLES = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY"
    r"|AWS_SESSION_TOKEN|AWS_LAMBDA_(FUNCTION_.*|LOG_.*|RUNTIME_API|INITIALIZATION_TYPE)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
    r"|MODELET_.*"
)


SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}")


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


def _cron(text: str) -> str:
    read_cron(text)
    return text


def _zone(name: str) -> str:
    refuse_unknown_zone(name)
    return name


CronText = Annotated[str, AfterValidator(_cron), WithJsonSchema({"type": "string", "pattern": r"^\S+( \S+){5}$"})]
Zone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$"})
]


class Schedule(Section):
    """A time from which other numbers of environments are kept warm."""

    cron: CronText = Field(description="AWS's six fields, such as 0 8 ? * MON-FRI *.")
    timezone: Zone = "UTC"
    provisioned: int = Field(ge=1, le=1000, description="From then on, the least.")
    provisioned_max: int | None = Field(default=None, ge=1, le=1000, description="From then on, the most.")


class Scaling(Section):
    """How many environments there may be, and how many are kept warm."""

    max_concurrency: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="The most requests that are answered at one time, reserved from what the account has; "
        "without it the model shares the account's, and `modelet up` answers ten.",
    )
    provisioned: int = Field(
        default=0, ge=0, le=1000, description="Environments that are initialised before traffic comes."
    )
    provisioned_max: int | None = Field(
        default=None, ge=1, le=1000, description="How far provisioned rises with the traffic, and falls again."
    )
    target_utilization: float = Field(
        default=0.7, ge=0.1, le=0.9, description="The share of provisioned environments in use that is aimed at."
    )
    schedules: list[Schedule] = Field(default=[], description="When other numbers are provisioned.")
    snapstart: bool = Field(default=False, description="Start environments from a snapshot taken after the init.")

    def refuse_the_impossible(self, resources: Resources) -> None:
        """Raise ValueError for numbers that contradict each other, and for what AWS refuses together."""
        at_most, most = self.max_concurrency or 1000, self.provisioned_max
        if most is not None and not self.provisioned:
            raise ValueError("scaling.provisioned_max: needs scaling.provisioned, the least: give that too")
        if self.schedules and not self.provisioned:
            raise ValueError("scaling.schedules: need scaling.provisioned, what is kept otherwise: give that too")
        ranges = {"scaling": (self.provisioned, most)}
        ranges |= {
            f"scaling.schedules.{i}": (each.provisioned, each.provisioned_max) for i, each in enumerate(self.schedules)
        }
        for place, (least, top) in ranges.items():
            if top is not None and top < least:
                raise ValueError(
                    f"{place}.provisioned_max: {top} is below provisioned, {least}: raise that or lower this"
                )
            if (top or least) > at_most:
                key = "provisioned_max" if top else "provisioned"
                raise ValueError(
                    f"{place}.{key}: {top or least} is above max_concurrency, {at_most}: raise that or lower this"
                )
        if self.snapstart and self.provisioned:
            raise ValueError("scaling.snapstart: Lambda refuses it together with provisioned: choose one of them")
        if self.snapstart and resources.tmp_mb > 512:
            raise ValueError(
                "scaling.snapstart: Lambda refuses it with more than 512 MB of /tmp: lower resources.tmp_mb"
            )


class Batch(Section):
    """Asks for a prediction table, which keeps what batches predict; it has no keys yet."""


class Limits(Section):
    """What one request may ask for."""

    max_instances: int = Field(default=100_000, ge=1, le=1_000_000, description="The most instances in one request.")


def _arn(value: object) -> object:
    if isinstance(value, str) and not SECRET.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is no secret's full ARN: give arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-XXXXXX"
        )
    return value


Secret = Annotated[
    str,
    BeforeValidator(_arn),
    Field(pattern=f"^{SECRET.pattern}$"),
]
Secrets = Annotated[
    dict[Variable, Secret], Field(description="Variables whose values Secrets Manager keeps: full ARNs.")
]
Tags = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_ ./=+@-][A-Za-z0-9_ .:/=+@-]{0,127}$")],
        Annotated[Text, Field(max_length=256)],
    ],
    Field(description="Tags of the function and of all that belongs to it alone."),
]
Environment = Annotated[dict[Variable, Text], Field(description="Environment variables of the function.")]
if TYPE_CHECKING:
    Backend = str
else:
    Backend = Literal[tuple(BACKENDS)]

Artifact = Annotated[
    Literal["store", "baked"],
    Field(
        description="Where the version is at run time: store fetches it at each cold start, baked has it in the image."
    ),
]


class StageSection(Section):
    """What differs in one stage: only the keys given here replace the model's own."""

    artifact: Artifact = "store"
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = Field(default={})
    secrets: Secrets = Field(default={})
    tags: Tags = Field(default={})
