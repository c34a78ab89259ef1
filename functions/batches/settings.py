"""The settings of batches, from its environment variables, which infra/ or the laptop sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from modelet.errors import SettingsError

MIB = 1024 * 1024
LARGEST_UPLOAD = 5 * 1024 * MIB
"""Bytes of the largest object that one POST to S3 can make.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html.
"""


class ApiSettings(NamedTuple):
    """The settings of batches.

    prefix: the first part of all names in AWS: a model's functions are `<prefix>-<model>` and
    `<prefix>-<model>-worker`, its queue is `<prefix>-<model>-jobs`. control_table: the name of the control table.
    batches: the bucket with the files of batches, jobs and uploads. state_machine: the ARN of the state machine that
    runs batches. workers: a JSON object, or `ssm:` and a path of parameters (see Workers). alias: the alias of both
    functions; empty where there are no versions, as on a laptop. takes_files: whether a batch may name files of this
    machine. upload_bytes: the largest upload. kept_s: seconds for which a prediction that was inferred online is kept.
    """

    prefix: str
    control_table: str
    batches: str
    state_machine: str
    workers: str
    alias: str = "live"
    takes_files: bool = False
    upload_bytes: int = 512 * MIB
    kept_s: int = 7 * 24 * 3600
    namespace: str = "Modelet"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> ApiSettings:
        """Read MODELET_*. Raises SettingsError with the variable and the remedy."""
        env = os.environ if environ is None else environ
        needed = (
            "MODELET_PREFIX",
            "MODELET_CONTROL_TABLE",
            "MODELET_BATCHES",
            "MODELET_STATE_MACHINE",
            "MODELET_WORKERS",
        )
        for variable in needed:
            if not env.get(variable):
                raise SettingsError(f"{variable} is not set: deploy the function by infra/, which sets it")
        bucket = env["MODELET_BATCHES"].removeprefix("s3://").rstrip("/")
        if "/" in bucket or not env["MODELET_BATCHES"].startswith("s3://"):
            raise SettingsError(f"MODELET_BATCHES is {env['MODELET_BATCHES'][:150]!r}: set it to s3://bucket")
        return cls(
            env["MODELET_PREFIX"],
            env["MODELET_CONTROL_TABLE"],
            bucket,
            env["MODELET_STATE_MACHINE"],
            env["MODELET_WORKERS"],
            env.get("MODELET_ALIAS", "live"),
            env.get("MODELET_FILES") == "1",
            _whole(env, "MODELET_UPLOAD_BYTES", 512 * MIB, LARGEST_UPLOAD),
            _whole(env, "MODELET_KEPT_S", 7 * 24 * 3600, 365 * 24 * 3600),
            env.get("POWERTOOLS_METRICS_NAMESPACE", "Modelet"),
        )


def _whole(env: Mapping[str, str], variable: str, default: int, most: int) -> int:
    given = env.get(variable, "")
    if not given:
        return default
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= most):
        raise SettingsError(f"{variable} is {given[:50]!r}: set it to a whole number from 1 to {most:,}")
    return int(given)
