"""The settings in environment variables; only this module reads os.environ."""

from __future__ import annotations

import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from modelet.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

StrPath = str | os.PathLike[str]
"""A path in any form: a function's own paths are strings, because importing pathlib takes 3 ms of a cold start."""


MEMORY_OF_A_PROCESSOR_MB, MOST_PROCESSORS = 1769, 6


class Settings(NamedTuple):
    """The settings of a model function.

    task_root: the folder with bundle.json and app.py (Lambda: /var/task). bundle: the path of another bundle.
    store: the URL of the store, `file:///…` or `s3://bucket/prefix`.
    tmp: the environment's writable folder.
    function_version: Lambda's version number, which each deployment increments.
    memory_mb: the function's memory.
    lock: the version that the configuration trusts, and the SHA-256 of its manifest; None trusts the bundle's.
    bundle_sha256: the SHA-256 of the bundle that the configuration trusts; None if it is not set.
    secrets: the name of each variable whose value is in Secrets Manager, and the secret's ARN.
    """

    task_root: StrPath
    store: str
    tmp: StrPath
    bundle: StrPath | None = None
    function_name: str = "local"
    function_version: str = "$LATEST"
    memory_mb: int = 0
    namespace: str = "Modelet"
    lock: tuple[str, str] | None = None
    bundle_sha256: str | None = None
    secrets: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read Lambda's variables and ours. Raises SettingsError with the variable and the remedy."""
        env = os.environ if environ is None else environ
        store = env.get("MODELET_STORE", "")
        if not store.startswith(("file://", "s3://")):
            found = f"is {store!r}" if store else "is not set"
            raise SettingsError(f"MODELET_STORE {found}: set it to the store's URL, file:///… or s3://bucket/prefix")
        memory = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")
        if not memory.isdecimal():
            raise SettingsError(f"AWS_LAMBDA_FUNCTION_MEMORY_SIZE is {memory!r}: set it to a whole number of megabytes")
        secrets = env.get("MODELET_SECRETS", "")
        return cls(
            task_root=env.get("LAMBDA_TASK_ROOT", "."),
            bundle=env.get("MODELET_BUNDLE") or None,
            store=store,
            tmp=env.get("TMPDIR", "/tmp"),  # noqa: S108 - Lambda's own; importing tempfile takes 3.5 ms
            function_name=env.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
            function_version=env.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            memory_mb=int(memory),
            namespace=env.get("POWERTOOLS_METRICS_NAMESPACE", "Modelet"),
            lock=_lock(env.get("MODELET_LOCK", "")),
            bundle_sha256=_bundle_sha256(env.get("MODELET_BUNDLE_SHA256", "")),
            secrets=_strings(env, "MODELET_SECRETS", '{"API_KEY": "arn:aws:secretsmanager:…"}') if secrets else {},
        )


class IndexSettings(NamedTuple):
    """The settings of models_index: the version that each model serves, by the model's name.

    models_path: the path of that list in SSM's parameter store; empty if `models` is the list.
    """

    models: Mapping[str, str]
    namespace: str = "Modelet"
    models_path: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> IndexSettings:
        """Read MODELET_MODELS, a JSON object of names and versions, or `ssm:` and a path of parameters.

        Raises SettingsError with the remedy.
        """
        env = os.environ if environ is None else environ
        namespace = env.get("POWERTOOLS_METRICS_NAMESPACE", "Modelet")
        scheme, _, path = env.get("MODELET_MODELS", "").partition(":")
        if scheme == "ssm" and path.startswith("/"):
            return cls({}, namespace, path)
        return cls(_strings(env, "MODELET_MODELS", '{"sentiment": "3"}'), namespace)


class CheckSettings(NamedTuple):
    """The settings of release_check.

    function: the ARN of a function's version. event: the file with the event that it must answer. alias: the alias
    that will point to the version. gateway_s: API Gateway's timeout in seconds. provisioned: the number of environments
    that are initialised before traffic comes.
    """

    function: str
    event: Path
    alias: str
    gateway_s: float
    provisioned: int

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> CheckSettings:
        """Read CHECK_*; CHECK_EVENT is a path below the function's folder. Raises SettingsError with the remedy."""
        env = os.environ if environ is None else environ
        remedy = "deploy the function by infra/, which sets it"
        for variable in ("CHECK_FUNCTION", "CHECK_EVENT", "CHECK_ALIAS", "CHECK_GATEWAY_S", "CHECK_PROVISIONED"):
            if not env.get(variable):
                raise SettingsError(f"{variable} is not set: {remedy}")
        for variable in ("CHECK_GATEWAY_S", "CHECK_PROVISIONED"):
            if not env[variable].isdecimal():
                raise SettingsError(f"{variable} is {env[variable]!r}, not a whole number: {remedy}")
        from pathlib import Path  # noqa: PLC0415 - model functions do not need it

        return cls(
            env["CHECK_FUNCTION"],
            Path(env.get("LAMBDA_TASK_ROOT", ".")) / env["CHECK_EVENT"],
            env["CHECK_ALIAS"],
            float(env["CHECK_GATEWAY_S"]),
            int(env["CHECK_PROVISIONED"]),
        )


def _lock(given: str) -> tuple[str, str] | None:
    version, _, sha256 = given.rpartition("@")
    if given and not (version and _is_sha256(sha256)):
        raise SettingsError(f"MODELET_LOCK is {given[:150]!r}: set it to <version>@<SHA-256 of the manifest>")
    return (version, sha256) if given else None


def _bundle_sha256(given: str) -> str | None:
    if given and not _is_sha256(given):
        raise SettingsError(f"MODELET_BUNDLE_SHA256 is {given[:150]!r}: set it to the SHA-256 of bundle.json, in hex")
    return given or None


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _strings(env: Mapping[str, str], variable: str, example: str) -> dict[str, str]:
    """Read a variable whose value is a JSON object of strings."""
    given = env.get(variable, "")
    try:
        strings = json.loads(given)
    except (ValueError, RecursionError):
        strings = None
    if not isinstance(strings, dict) or not all(isinstance(value, str) for value in strings.values()):
        found = f"is {given[:100]!r}" if given else "is not set"
        raise SettingsError(f"{variable} {found}: set it to a JSON object such as {example}")
    return strings


def aws_endpoint(service: str = "S3", environ: Mapping[str, str] | None = None) -> str:
    """Return the endpoint that replaces a service's own, empty for AWS itself.

    The variable of the service takes precedence over the one for all services.
    """
    env = os.environ if environ is None else environ
    return env.get(f"AWS_ENDPOINT_URL_{service}", "") or env.get("AWS_ENDPOINT_URL", "")


def aws_signs_in(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether the environment has AWS credentials, so that obstore need not query the instance metadata."""
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


def aws_keys(environ: Mapping[str, str] | None = None) -> tuple[str, str, str] | None:
    """Return the environment's access key, secret key and session token ("" if not set); None without keys."""
    env = os.environ if environ is None else environ
    key, secret = env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", "")
    return (key, secret, env.get("AWS_SESSION_TOKEN", "")) if key and secret else None


def aws_keys_url(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the URL that gives the keys under SnapStart, and the authorization token for it."""
    env = os.environ if environ is None else environ
    return env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""), env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")


def aws_keys_are_fetched(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether keys must be fetched with a token, as under SnapStart; obstore cannot do that."""
    return aws_keys(environ) is None and all(aws_keys_url(environ))


def processors(environ: Mapping[str, str] | None = None) -> int:
    """Return the number of processors for a function's memory: one for each 1,769 MB, from 1 to 6.

    It is never more than this machine has. Source: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html.
    """
    env = os.environ if environ is None else environ
    memory = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")
    share = int(memory) / MEMORY_OF_A_PROCESSOR_MB if memory.isdecimal() else 0.0
    return 1 if share < 2 else min(round(share), MOST_PROCESSORS, os.cpu_count() or 1)


def starts_from_snapshot(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether SnapStart is on: Lambda takes a snapshot after the init and starts other environments from it."""
    env = os.environ if environ is None else environ
    return env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def is_worker(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether this function is a worker, which is told the control table of batches and jobs."""
    env = os.environ if environ is None else environ
    return bool(env.get("MODELET_CONTROL_TABLE"))


def get_variable(name: str) -> str | None:
    """Return the value of a variable that an author has declared as a secret, or of a library's own."""
    return os.environ.get(name)


def set_variable(name: str, value: str) -> None:
    """Set a variable for the author's code or a library. Raises ValueError for a value with a NUL character."""
    os.environ[name] = value


def names_pydantic_plugins(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether the environment says which of pydantic's plugins to disable, even if none."""
    env = os.environ if environ is None else environ
    return "PYDANTIC_DISABLE_PLUGINS" in env


def disable_telemetry() -> None:
    """Disable onnxruntime's telemetry; call this before importing it.

    Otherwise its Linux builds write a device id into the home folder and start a thread that reports each session (seen
    with 1.31; github.com/microsoft/onnxruntime/pull/27379 documents the variable). Set the variable to 0 to enable it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
