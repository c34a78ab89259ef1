"""The sections of model.yaml: the type and the purpose of each key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from modelet.backends import AUTO, BACKENDS
from modelet.dev.project.cron import check_time_zone, read_cron
from modelet.dev.project.messages import nearest, quoted

ENVIRONMENT_BYTES = 4096
"""Lambda's limit for the names and values of all environment variables of a function."""

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables"
RESERVED_VARIABLES = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY"
    r"|AWS_SESSION_TOKEN|AWS_LAMBDA_(FUNCTION_.*|LOG_.*|RUNTIME_API|INITIALIZATION_TYPE)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
    r"|MODELET_.*"
)


SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}")


def _as_text(value: object) -> object:
    """Convert a whole number to text. Reject values that YAML has already changed (1.10 is parsed as 1.1)."""
    if isinstance(value, bool | float):
        raise ValueError(f"YAML reads {quoted(value)} here, which is not text: put the value in quotes")  # noqa: TRY004 - pydantic reports a ValueError
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]
Version = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=63)]
Variable = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]+$")]
StageName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=32)]


class Section(BaseModel):
    """A section of model.yaml. It rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _reject_unknown_keys(cls, data: object) -> object:
        names = cls._names()
        for key in data if isinstance(data, dict) else ():
            if key not in names:
                known = cls._places()
                near = nearest(str(key), known)
                remedy = f"did you mean {known[near]}?" if near else f"the keys are {', '.join(names)}"
                raise ValueError(f"unknown key {quoted(key)}: {remedy}")
        return data

    @classmethod
    def _names(cls) -> list[str]:
        """Return the names of the section's keys; one that Python reserves is the alias of its field."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def _places(cls) -> dict[str, str]:
        """Return the path of every known key by its name: the keys of this section and of the sections inside it."""
        places: dict[str, str] = {}
        for name, field in cls.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                places |= {leaf: f"{name}.{leaf}" for leaf in field.annotation._names()}
        return places | {name: name for name in cls._names()}


class Preprocessing(Section):
    """A function in the model's folder that converts instances to the graph's inputs."""

    module: str = Field(pattern=r"^[A-Za-z_]\w*$", description="A module in the model's folder, without .py.")
    function: str = Field(
        pattern=r"^[A-Za-z_]\w*$", description="A function that takes the instances and returns the graph's inputs."
    )


class Predictor(Section):
    """A predictor in the model's folder that is served as it is, without an app.py."""

    module: str = Field(pattern=r"^[A-Za-z_]\w*$", description="A module in the model's folder, without .py.")
    class_name: str | None = Field(
        default=None,
        alias="class",
        pattern=r"^[A-Za-z_]\w*$",
        description="A class of the module; without it, the module's functions are the predictor.",
    )


def _is_json(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        json.dumps(config, allow_nan=False)
    except ValueError:
        raise ValueError("contains NaN or infinity, which JSON does not have: write a text or null") from None
    return config


Config = Annotated[
    dict[str, JsonValue], AfterValidator(_is_json), WithJsonSchema({"type": "object", "additionalProperties": True})
]


class Resources(Section):
    """The resources of one environment."""

    memory_mb: int = Field(
        default=512, ge=128, le=10_240, description="Memory in MB; Lambda provides one vCPU per 1,769 MB."
    )
    timeout_s: int = Field(
        default=10, ge=1, le=900, description="The longest time that one request may take, in seconds."
    )
    tmp_mb: int = Field(default=512, ge=512, le=10_240, description="The size of /tmp in MB.")
    architecture: Literal["x86_64", "arm64"] = "x86_64"


def _cron(text: str) -> str:
    read_cron(text)
    return text


def _zone(name: str) -> str:
    check_time_zone(name)
    return name


CronText = Annotated[str, AfterValidator(_cron), WithJsonSchema({"type": "string", "pattern": r"^\S+( \S+){5}$"})]
Zone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$"})
]


class Schedule(Section):
    """A time at which the number of provisioned environments changes."""

    cron: CronText = Field(description="An AWS cron expression of six fields, such as 0 8 ? * MON-FRI *.")
    timezone: Zone = "UTC"
    provisioned: int = Field(ge=1, le=1000, description="The minimum from this time on.")
    provisioned_max: int | None = Field(default=None, ge=1, le=1000, description="The maximum from this time on.")


class Scaling(Section):
    """The most environments that may run, and how many are kept warm."""

    max_concurrency: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="The most requests at one time, reserved from the account's concurrency. "
        "By default the model shares the account's concurrency, and `modelet up` allows ten.",
    )
    provisioned: int = Field(
        default=0, ge=0, le=1000, description="The number of environments that are initialised in advance."
    )
    provisioned_max: int | None = Field(
        default=None, ge=1, le=1000, description="The maximum to which provisioned scales with the traffic."
    )
    target_utilization: float = Field(
        default=0.7, ge=0.1, le=0.9, description="The target share of provisioned environments in use."
    )
    schedules: list[Schedule] = Field(
        default=[], description="Times at which the number of provisioned environments changes."
    )
    snapstart: bool = Field(default=False, description="Start environments from a snapshot taken after the init.")

    def check_consistency(self, resources: Resources) -> None:
        """Raise ValueError if the numbers contradict each other, or if AWS does not allow the combination."""
        at_most, most = self.max_concurrency or 1000, self.provisioned_max
        if most is not None and not self.provisioned:
            raise ValueError("scaling.provisioned_max: needs scaling.provisioned, the minimum: set it too")
        if self.schedules and not self.provisioned:
            raise ValueError("scaling.schedules: need scaling.provisioned, the number at other times: set it too")
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
            raise ValueError("scaling.snapstart: Lambda does not allow it together with provisioned: remove one")
        if self.snapstart and resources.tmp_mb > 512:
            raise ValueError(
                "scaling.snapstart: Lambda does not allow it with more than 512 MB of /tmp: lower resources.tmp_mb"
            )


class Limits(Section):
    """Limits of one request."""

    max_instances: int = Field(default=100_000, ge=1, le=1_000_000, description="The most instances in one request.")


class Quantize(Section):
    """int8 weights for an exported model of texts."""

    max_loss: float = Field(
        ge=0,
        le=1,
        description="The most that may be lost on the examples: the share of changed labels, and the metric.",
    )


def _arn(value: object) -> object:
    if isinstance(value, str) and not SECRET.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is not a secret's full ARN: give arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-XXXXXX"
        )
    return value


Secret = Annotated[
    str,
    BeforeValidator(_arn),
    Field(pattern=f"^{SECRET.pattern}$"),
]
Secrets = Annotated[
    dict[Variable, Secret], Field(description="Environment variables with values from Secrets Manager, as full ARNs.")
]
Tags = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_ ./=+@-][A-Za-z0-9_ .:/=+@-]{0,127}$")],
        Annotated[Text, Field(max_length=256)],
    ],
    Field(description="Tags of the function and of its own resources."),
]
Environment = Annotated[dict[Variable, Text], Field(description="Environment variables of the function.")]
if TYPE_CHECKING:
    Backend = str
else:
    Backend = Literal[(*BACKENDS, AUTO)]

Artifact = Annotated[
    Literal["store", "baked"],
    Field(
        description="Where the files of the version are. store: in the store, downloaded at each cold start; "
        "baked: in the image."
    ),
]
