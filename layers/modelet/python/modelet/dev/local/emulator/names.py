"""The names of what the emulator has, as those of a stage in AWS, with the prefix `local`."""

from __future__ import annotations

PREFIX = "local"
ACCOUNT = "000000000000"
REGION = "us-east-1"
CONTROL_TABLE = f"{PREFIX}-control"
BATCHES = f"{PREFIX}-batches"
"""The name of the bucket with the files of batches, and of the state machine."""
STATE_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{BATCHES}"
ROLE = f"{PREFIX}-role"


def function_name(model: str) -> str:
    """Return the name of a model's own function in Lambda, which answers one request at a time."""
    return f"{PREFIX}-{model}"


def worker_name(model: str) -> str:
    """Return the name of a model's worker in Lambda."""
    return f"{PREFIX}-{model}-worker"


def prediction_table(model: str) -> str:
    """Return the name of a model's prediction table."""
    return f"{PREFIX}-{model}-predictions"


def import_prefix(model: str) -> str:
    """Return the beginning of the names of the tables that an import makes for a model."""
    return f"{PREFIX}-{model}-"


def queue_name(model: str) -> str:
    """Return the name of the queue of a model's jobs."""
    return f"{PREFIX}-{model}-jobs"


def queue_url(endpoint: str, model: str) -> str:
    """Return the URL of the queue of a model's jobs. endpoint: the emulator's."""
    return f"{endpoint}/{ACCOUNT}/{queue_name(model)}"


def failed_queue_name(model: str) -> str:
    """Return the name of the queue of the jobs that failed at every attempt."""
    return f"{PREFIX}-{model}-jobs-failed"
