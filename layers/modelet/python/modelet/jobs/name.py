"""The name of a job, which carries its model: `<model>.<id>`."""

from __future__ import annotations

import re

from modelet.batch.errors import UnknownJobError

ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
NAME = re.compile(rf"(?P<model>[0-9A-Za-z_-]{{1,64}})\.(?P<id>{ID.pattern})")


def job_name(model: str, job: str) -> str:
    """Return the name of a job, for its callers and its path. job: its id in the control table."""
    return f"{model}.{job}"


def parse_job_name(name: str) -> tuple[str, str]:
    """Return the model and the id of a job. Raises UnknownJobError for what is no name of a job."""
    found = NAME.fullmatch(name)
    if found is None:
        raise UnknownJobError(f"there is no job {name[:150]}: a job's id is <model>.<id>, as POST …/jobs returned it")
    return found["model"], found["id"]
