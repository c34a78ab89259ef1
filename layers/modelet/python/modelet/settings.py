"""What the environment says: the only place that reads os.environ."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a function runs, and where its model is kept.

    task_root: the folder with bundle.json and app.py (Lambda: /var/task). bundle: another bundle than that folder's.
    store: the URL of the store, `file:///…` or `s3://bucket/prefix`.
    tmp: the environment's own writable folder.
    memory_mb: the function's memory.
    """

    task_root: Path
    store: str
    tmp: Path
    bundle: Path | None = None
    function_name: str = "local"
    memory_mb: int = 0
    namespace: str = "Modelet"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read Lambda's variables and ours. Raises SettingsError naming the variable and the remedy."""
        env = os.environ if environ is None else environ
        store = env.get("MODELET_STORE", "")
        if not store.startswith(("file://", "s3://")):
            said = f"is {store!r}" if store else "is not set"
            raise SettingsError(f"MODELET_STORE {said}: set it to the store's URL, file:///… or s3://bucket/prefix")
        memory = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")
        if not memory.isdecimal():
            raise SettingsError(f"AWS_LAMBDA_FUNCTION_MEMORY_SIZE is {memory!r}: set it to a whole number of megabytes")
        bundle = env.get("MODELET_BUNDLE", "")
        return cls(
            task_root=Path(env.get("LAMBDA_TASK_ROOT", ".")),
            bundle=Path(bundle) if bundle else None,
            store=store,
            tmp=Path(env.get("TMPDIR", "/tmp")),  # noqa: S108 - Lambda's own; asking tempfile costs 3.5 ms
            function_name=env.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
            memory_mb=int(memory),
            namespace=env.get("POWERTOOLS_METRICS_NAMESPACE", "Modelet"),
        )


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What models_index lists: each model's name and the version that is served."""

    models: tuple[tuple[str, str], ...]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> IndexSettings:
        """Read MODELET_MODELS, a JSON list of {"name", "version"}. Raises SettingsError with the remedy."""
        env = os.environ if environ is None else environ
        given = env.get("MODELET_MODELS", "")
        try:
            models = tuple((each["name"], each["version"]) for each in json.loads(given))
        except (ValueError, TypeError, KeyError, RecursionError):
            models = ((None, None),)
        if not all(isinstance(part, str) for model in models for part in model):
            said = f"is {given[:100]!r}" if given else "is not set"
            example = '[{"name": "sentiment", "version": "3"}]'
            raise SettingsError(f"MODELET_MODELS {said}: set it to a JSON list such as {example}")
        return cls(models)


def aws_endpoint(environ: Mapping[str, str] | None = None) -> str:
    """The endpoint that stands in for S3's own, empty for S3 itself; the service's own variable goes first."""
    env = os.environ if environ is None else environ
    return env.get("AWS_ENDPOINT_URL_S3", "") or env.get("AWS_ENDPOINT_URL", "")


def aws_signs_in(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment itself signs in to AWS, so that nobody has to look for an instance's credentials."""
    env = os.environ if environ is None else environ
    return any(
        env.get(variable)
        for variable in (
            "AWS_ACCESS_KEY_ID",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_SKIP_SIGNATURE",
        )
    )


def decline_telemetry() -> None:
    """Tell onnxruntime, before it is imported, not to collect usage data.

    Its Linux builds otherwise keep a device id in the home folder and start a thread that reports each session (seen
    with 1.31; github.com/microsoft/onnxruntime/pull/27379 documents the variable). Whoever wants that sets it to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
