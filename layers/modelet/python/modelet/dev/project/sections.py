"""The sections of model.yaml: the type and the purpose of each key."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from modelet.backends import BACKENDS
from modelet.batch.request import BatchRequest
from modelet.dev.project.cron import check_time_zone, read_cron
from modelet.dev.project.messages import nearest, quoted
from modelet.errors import ContractError

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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _reject_unknown_keys(cls, data: object) -> object:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                known = cls._places()
                near = nearest(str(key), known)
                remedy = f"did you mean {known[near]}?" if near else f"the keys are {', '.join(cls.model_fields)}"
                raise ValueError(f"unknown key {quoted(key)}: {remedy}")
        return data

    @classmethod
    def _places(cls) -> dict[str, str]:
        """Return the path of every known key by its name: the keys of this section and of the sections inside it."""
        places: dict[str, str] = {}
        for name, field in cls.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                places |= {leaf: f"{name}.{leaf}" for leaf in field.annotation.model_fields}
        return places | {name: name for name in cls.model_fields}


class Preprocessing(Section):
    """A function in the model's folder that converts instances to the graph's inputs."""

    module: str = Field(pattern=r"^[A-Za-z_]\w*$", description="A module in the model's folder, without .py.")
    function: str = Field(
        pattern=r"^[A-Za-z_]\w*$", description="A function that takes the instances and returns the graph's inputs."
    )


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


CRON, RATE = re.compile(r"cron\((.*)\)"), re.compile(r"rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)")
PLACE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\[\]{}$\s][^\[\]{}$]*")
"""Objects in S3: a bucket, and a key with the wildcards `*` and `?`, which mean the same in a permission."""


def _schedule(text: str) -> str:
    if cron := CRON.fullmatch(text):
        read_cron(cron[1])
    elif not RATE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a schedule: give cron(0 3 * * ? *), or rate(1 day)")
    return text


def _place(text: str) -> str:
    if not PLACE.fullmatch(text):
        raise ValueError(f"{quoted(text)} names no objects: give s3://bucket/prefix/*")
    return text


def _request(document: dict[str, Any]) -> dict[str, Any]:
    try:
        BatchRequest.from_json(document)
    except ContractError as invalid:
        first = invalid.violations[0]
        raise ValueError(f"{first.field}: {first.message}" if first.field else first.message) from None
    return document


def _is_within(url: str, places: list[str]) -> bool:
    return any(fnmatchcase(url, place) for place in places)


Place = Annotated[
    str, AfterValidator(_place), WithJsonSchema({"type": "string", "pattern": r"^s3://[^/]+/[^\[\]{}$\s].*$"})
]
ScheduleText = Annotated[
    str, AfterValidator(_schedule), WithJsonSchema({"type": "string", "pattern": r"^(cron|rate)\(.+\)$"})
]
Request = Annotated[dict[str, Any], AfterValidator(_request)]
ExpiresDays = Annotated[int, Field(ge=1, le=365)]


class Batch(Section):
    """Batches of this model: many rows scored by workers, into a table of predictions or into S3."""

    inputs: list[Place] = Field(
        default=[], description="What workers may read, such as s3://bucket/prefix/*, besides uploaded files."
    )
    results: list[Place] = Field(
        default=[], description="Where workers may write result files, such as s3://bucket/prefix/*."
    )
    load: Literal["auto", "write", "import"] = Field(
        default="auto",
        description="How the table is loaded. write: row by row; import: by DynamoDB's import into a new table, "
        "for many millions of rows; auto: by the number of rows.",
    )
    duplicates: Literal["refuse", "last"] = Field(
        default="refuse", description="What to do if a key occurs twice: refuse the batch, or let the last row win."
    )
    tolerated: float = Field(
        default=0.1, ge=0, le=1, description="The share of rejected rows at which a batch stops early."
    )
    expires_days: ExpiresDays = Field(
        default=7, description="The days that a generation stays after the next one has replaced it."
    )
    schedule: ScheduleText | None = Field(
        default=None, description="When to start a batch of `input`: cron(0 3 * * ? *) or rate(1 day)."
    )
    timezone: Zone = Field(default="UTC", description="The time zone of the schedule.")
    input: Request | None = Field(default=None, description="The request of the scheduled batch, as the API takes it.")

    def check_consistency(self) -> None:
        """Raise ValueError if the schedule has no input, or if its worker could not read or write what it names."""
        if self.schedule is not None and self.input is None:
            raise ValueError("batch.schedule: needs batch.input, the request of the batch: set it too")
        if self.input is None:
            return
        if self.schedule is None:
            raise ValueError("batch.input: is only for batch.schedule: set that too, or remove this")
        request = BatchRequest.from_json(self.input)
        for url in request.inputs:
            if not _is_within(url, self.inputs):
                raise ValueError(
                    f"batch.input.inputs: workers may not read {quoted(url)}: add s3://bucket/prefix/* to batch.inputs"
                )
        folder = request.results
        if folder is not None and not _is_within(f"{folder.rstrip('/')}/file", self.results):
            raise ValueError(
                f"batch.input.results: workers may not write to {quoted(folder)}: add s3://bucket/prefix/* to "
                "batch.results"
            )


class Jobs(Section):
    """Asynchronous requests to this model: they are queued, and a worker answers them."""

    max_concurrency: int = Field(default=10, ge=2, le=1000, description="The most jobs that run at one time.")
    attempts: int = Field(
        default=3, ge=1, le=100, description="How often a job is tried before it goes to the dead-letter queue."
    )
    expires_days: int = Field(default=7, ge=1, le=30, description="The days that a job and its result stay.")


class Worker(Section):
    """The model's second function, which does batches and jobs."""

    memory_mb: int = Field(
        default=1769, ge=128, le=10_240, description="Memory in MB; Lambda provides one vCPU per 1,769 MB."
    )
    timeout_s: int = Field(
        default=900, ge=60, le=900, description="The longest time for one chunk of a batch, or for one job, in seconds."
    )
    tmp_mb: int = Field(default=512, ge=512, le=10_240, description="The size of /tmp in MB.")
    max_concurrency: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="The most workers at one time, reserved from the account's concurrency.",
    )

    def check_consistency(self, jobs: Jobs | None) -> None:
        """Raise ValueError if jobs may run more workers than there are: Lambda would throttle the queue."""
        if jobs is not None and jobs.max_concurrency > self.max_concurrency:
            raise ValueError(
                f"jobs.max_concurrency: {jobs.max_concurrency} is above worker.max_concurrency, "
                f"{self.max_concurrency}: raise that or lower this"
            )


class Limits(Section):
    """Limits of one request."""

    max_instances: int = Field(default=100_000, ge=1, le=1_000_000, description="The most instances in one request.")


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
    Backend = Literal[tuple(BACKENDS)]

Artifact = Annotated[
    Literal["store", "baked"],
    Field(
        description="Where the files of the version are. store: in the store, downloaded at each cold start; "
        "baked: in the image."
    ),
]


class StageSection(Section):
    """Overrides for one stage: only the keys given here replace the model's own."""

    artifact: Artifact = "store"
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = Field(default={})
    secrets: Secrets = Field(default={})
    tags: Tags = Field(default={})
    batch: Batch = Batch()
    jobs: Jobs = Jobs()
    worker: Worker = Worker()
