"""What the routes use: clients of AWS, each made once, and the records of batches and jobs."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Annotated, Any

import boto3
from botocore.config import Config
from executions import Executions
from fastapi import Depends, Path, Request
from online import Online
from queues import Queues
from settings import ApiSettings
from workers import Worker, Workers

from modelet.batch.generations import Generations
from modelet.batch.lookup import Lookup
from modelet.batch.records import Batches
from modelet.jobs.records import Jobs

CONNECT_S, READ_S, LONG_S = 1, 5, 20
"""Seconds; the gateway waits for 29 s in all."""


@cache
def aws(service: str, *, is_long: bool = False) -> Any:
    """Return boto3's client of a service. S3 signs with version 4: newer regions refuse older signatures in links.

    is_long: whether one call may take long; it is not repeated then, like those of functions.
    """
    seconds, attempts = (LONG_S, 1) if is_long or service == "lambda" else (READ_S, 3)
    return boto3.client(
        service,
        config=Config(
            connect_timeout=CONNECT_S,
            read_timeout=seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            signature_version="s3v4" if service == "s3" else None,
        ),
    )


class Services:
    """What an environment of the function keeps between its requests."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.workers = Workers(settings.workers, prefix=settings.prefix, alias=settings.alias, client=aws)
        self.executions = Executions(settings.state_machine, aws)
        self.online = Online(settings.prefix, settings.alias, aws)
        self.queues = Queues(settings.prefix, aws)

    @cached_property
    def batches(self) -> Batches:
        """The records of batches."""
        return Batches(aws("dynamodb"), self.settings.control_table)

    @cached_property
    def generations(self) -> Generations:
        """The active generations."""
        return Generations(aws("dynamodb"), self.settings.control_table)

    @cached_property
    def lookup(self) -> Lookup:
        """The predictions of the active generations."""
        return Lookup(aws("dynamodb"), self.settings.control_table)

    @cached_property
    def jobs(self) -> Jobs:
        """The records of jobs."""
        return Jobs(aws("dynamodb"), self.settings.control_table)


async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(_services)]
Name = Annotated[str, Path(alias="name")]


async def _batch_worker(services: Given, name: Name) -> Worker:
    return services.workers.get(name, "batch")


async def _jobs_worker(services: Given, name: Name) -> Worker:
    return services.workers.get(name, "jobs")


BatchWorker = Annotated[Worker, Depends(_batch_worker)]
"""The model of the path, which takes batches; any other model is a 404."""
JobsWorker = Annotated[Worker, Depends(_jobs_worker)]
"""The model of the path, which takes jobs; any other model is a 404."""
