"""The settings of a worker, from its environment variables."""

from __future__ import annotations

from typing import NamedTuple

from modelet.errors import SettingsError
from modelet.settings import get_variable


class WorkerSettings(NamedTuple):
    """What a worker knows beside its model.

    control_table: the name of the control table. batches: the URL of the bucket (or folder) with the files of batches.
    prediction_table: the model's prediction table; empty without `batch:`. import_prefix: the first part of the names
    of tables that an import creates. topic: the ARN of the topic for completed batches; empty for none. duplicates:
    refuse or last. job_attempts: how often a job is tried. job_queue: the URL of the model's queue of jobs; empty
    without `jobs:`. memory_mb: the worker's memory.
    """

    control_table: str
    batches: str
    prediction_table: str = ""
    import_prefix: str = ""
    topic: str = ""
    duplicates: str = "refuse"
    job_attempts: int = 3
    job_queue: str = ""
    memory_mb: int = 1769

    @classmethod
    def from_environ(cls) -> WorkerSettings:
        """Read MODELET_*. Raises SettingsError with the variable and the remedy."""
        for variable in ("MODELET_CONTROL_TABLE", "MODELET_BATCHES"):
            if not get_variable(variable):
                raise SettingsError(f"{variable} is not set: deploy the worker by infra/, which sets it")
        return cls(
            get_variable("MODELET_CONTROL_TABLE") or "",
            (get_variable("MODELET_BATCHES") or "").rstrip("/"),
            get_variable("MODELET_PREDICTION_TABLE") or "",
            get_variable("MODELET_IMPORT_PREFIX") or "",
            get_variable("MODELET_TOPIC") or "",
            get_variable("MODELET_DUPLICATES") or "refuse",
            int(get_variable("MODELET_JOB_ATTEMPTS") or 3),
            get_variable("MODELET_JOB_QUEUE") or "",
            int(get_variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 1769),
        )
