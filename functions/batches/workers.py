"""The models that take batches or jobs, what their model.yaml says about them, and the version that works."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from problems import calling, code_of

from modelet.batch.concurrency import JOBS, WORKERS, at_once
from modelet.errors import NotFoundError, SettingsError, StoreError

FRESH_S = 10.0
"""Seconds for which the list from AWS is cached."""
KINDS = ("batch", "jobs")


class Worker(NamedTuple):
    """A model that has a worker.

    batch, jobs: these sections of its model.yaml; None if it has none. max_concurrency: its most workers at one time.
    function_version, model_version: the number of the worker's version that was announced, and the version of the model
    that it serves; None if that is not announced.
    """

    model: str
    batch: Mapping[str, Any] | None = None
    jobs: Mapping[str, Any] | None = None
    max_concurrency: int = WORKERS
    function_version: str | None = None
    model_version: str | None = None

    @property
    def chunks_at_once(self) -> int:
        """How many chunks of a batch run at one time."""
        return at_once(self.max_concurrency, None if self.jobs is None else self.jobs.get("max_concurrency", JOBS))

    @classmethod
    def from_json(cls, model: str, announced: Mapping[str, Any]) -> Worker:
        """Read what infra/ or the laptop announces. Raises AttributeError, TypeError or ValueError."""
        batch, jobs = (None if (given := announced.get(kind)) is None else dict(given) for kind in KINDS)
        own = announced.get("worker") or {}
        return cls(
            model,
            batch,
            jobs,
            int(own.get("max_concurrency", WORKERS)),
            own.get("function_version"),
            own.get("model_version"),
        )


class Version(NamedTuple):
    """The worker's version that takes new work.

    arn: with the number, so that later deployments change nothing. model_version: the version of the model that it
    serves; None if it is not known before it runs, as in the seconds of a deployment, and on a laptop.
    """

    arn: str
    model_version: str | None


class Workers:
    """The models with workers.

    source: a JSON object of the models' names and their sections, `{"sentiment": {"batch": {}, "jobs": {}, "worker":
    {"max_concurrency": 50}}}`; or `ssm:` and a path below which each model's stack writes a parameter with them.
    Raises SettingsError with the remedy.
    """

    def __init__(self, source: str, *, prefix: str, alias: str, client: Callable[[str], Any]) -> None:
        scheme, _, path = source.partition(":")
        self._path = path if scheme == "ssm" else ""
        self._found = {} if self._path else _read(source, json.loads)
        self._prefix = prefix
        self._alias = alias
        self._client = client
        self._read_at: float | None = None

    def get(self, model: str, kind: str) -> Worker:
        """Return a model that takes `batch` or `jobs`. Raises NotFoundError with the remedy, StoreError."""
        worker = self._all().get(model)
        if worker is None or getattr(worker, kind) is None:
            raise NotFoundError(
                f"There is no model {model[:100]} that takes {'batches' if kind == 'batch' else kind}: "
                f"write `{kind}: {{}}` into its model.yaml and deploy it."
            )
        return worker

    def version(self, worker: Worker) -> Version:
        """Return the worker's version of now. Raises NotFoundError if there is no worker, StoreError."""
        name = f"{self._prefix}-{worker.model}-worker"
        client = self._client("lambda")
        with calling("Lambda"):
            try:
                if not self._alias:
                    found = client.get_function_configuration(FunctionName=name)
                    return Version(found["FunctionArn"], None)
                found = client.get_alias(FunctionName=name, Name=self._alias)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    raise NotFoundError(f"The model {worker.model} has no worker: deploy it.") from None
                raise
        function, number = found["AliasArn"].rpartition(":")[0], found["FunctionVersion"]
        # The alias moves before the version is announced: meanwhile the announced one is another's.
        known = worker.model_version if number == worker.function_version else None
        return Version(f"{function}:{number}", known)

    def _all(self) -> Mapping[str, Worker]:
        stale = self._read_at is None or time.monotonic() - self._read_at > FRESH_S
        if self._path and stale:
            with calling("SSM"):
                pages = self._client("ssm").get_paginator("get_parameters_by_path").paginate(Path=self._path)
                listed = [each for page in pages for each in page["Parameters"]]
            named = {each["Name"].rpartition("/")[2]: each["Value"] for each in listed}
            try:
                self._found = _read(named, lambda texts: {name: json.loads(text) for name, text in texts.items()})
            except SettingsError as error:
                raise StoreError(str(error)) from error
            self._read_at = time.monotonic()
        return self._found


def _read(source: Any, load: Callable[[Any], Any]) -> dict[str, Worker]:
    try:
        return {name: Worker.from_json(name, announced) for name, announced in load(source).items()}
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise SettingsError(
            f"MODELET_WORKERS gives {str(source)[:150]!r}: set it to a JSON object such as "
            '{"sentiment": {"batch": {}, "jobs": {}}}, or to ssm: and the path of parameters with such sections'
        ) from None
