"""Settings: what the environment must say, and what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.errors import (
    SettingsError,
)
from modelet.settings import (
    CheckSettings,
    IndexSettings,
    Settings,
    aws_endpoint,
    aws_keys,
    processors,
    starts_from_snapshot,
)

STORE = {"MODELET_STORE": "s3://bucket/models"}


def test_a_store_that_is_not_named_fails_the_init() -> None:
    with pytest.raises(SettingsError, match="MODELET_STORE is not set"):
        Settings.from_environ({})
    with pytest.raises(SettingsError, match="MODELET_STORE is 'ftp://x'"):
        Settings.from_environ({"MODELET_STORE": "ftp://x"})
    with pytest.raises(SettingsError, match="AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        Settings.from_environ({"MODELET_STORE": "file:///s", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"})


def test_lambda_s_variables_are_read() -> None:
    variables = {
        "MODELET_STORE": "s3://bucket/models",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_FUNCTION_NAME": "sentiment",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    }
    settings = Settings.from_environ(variables)
    assert (settings.task_root, settings.function_name, settings.memory_mb) == ("/var/task", "sentiment", 1024)


def test_the_lock_is_a_version_and_a_digest() -> None:
    assert Settings.from_environ(STORE).lock is None
    settings = Settings.from_environ({**STORE, "MODELET_LOCK": f"2026-01@{'0f' * 32}"})
    assert settings.lock == ("2026-01", "0f" * 32)


@pytest.mark.parametrize("lock", ["1", "1@", f"@{'0' * 64}", f"1@{'0' * 63}", f"1@{'G' * 64}", f"1:{'0' * 64}", "@"])
def test_a_lock_that_is_none_fails_the_init(lock: str) -> None:
    with pytest.raises(SettingsError, match=r"MODELET_LOCK is .* set it to <version>@<SHA-256 of the manifest>"):
        Settings.from_environ({**STORE, "MODELET_LOCK": lock})


def test_the_bundle_s_digest_is_a_sha_256() -> None:
    assert Settings.from_environ(STORE).bundle_sha256 is None
    assert Settings.from_environ({**STORE, "MODELET_BUNDLE_SHA256": "0f" * 32}).bundle_sha256 == "0f" * 32


@pytest.mark.parametrize("sha256", ["0", "0" * 63, "0" * 65, "G" * 64, f"sha256:{'0' * 64}"])
def test_a_bundle_s_digest_that_is_none_fails_the_init(sha256: str) -> None:
    with pytest.raises(SettingsError, match=r"MODELET_BUNDLE_SHA256 is .* set it to the SHA-256 of bundle\.json"):
        Settings.from_environ({**STORE, "MODELET_BUNDLE_SHA256": sha256})


def test_secrets_are_arns_by_their_variables() -> None:
    assert Settings.from_environ(STORE).secrets == {}
    settings = Settings.from_environ({**STORE, "MODELET_SECRETS": '{"KEY": "arn:aws:secretsmanager:x"}'})
    assert settings.secrets == {"KEY": "arn:aws:secretsmanager:x"}


@pytest.mark.parametrize("secrets", ["{", "[]", '["KEY"]', '{"KEY": 1}', "null", "[" * 5000])
def test_secrets_that_are_no_object_of_texts_fail_the_init(secrets: str) -> None:
    with pytest.raises(SettingsError, match=r"MODELET_SECRETS is .* set it to a JSON object"):
        Settings.from_environ({**STORE, "MODELET_SECRETS": secrets})


def test_the_index_is_told_what_is_served_and_where_its_metrics_belong() -> None:
    settings = IndexSettings.from_environ({"MODELET_MODELS": '{"b": "2", "a": "1"}'})
    assert (list(settings.models.items()), settings.namespace) == ([("b", "2"), ("a", "1")], "Modelet")


def test_the_index_may_be_told_where_the_models_say_what_is_served() -> None:
    settings = IndexSettings.from_environ({"MODELET_MODELS": "ssm:/modelet/dev/models"})
    assert (settings.models, settings.models_path) == ({}, "/modelet/dev/models")
    with pytest.raises(SettingsError, match=r"MODELET_MODELS is 'ssm:models': set it to a JSON object"):
        IndexSettings.from_environ({"MODELET_MODELS": "ssm:models"})


def test_a_check_knows_its_version_and_its_event() -> None:
    told = {
        "CHECK_FUNCTION": "arn:x:7",
        "CHECK_EVENT": "events/tiny/infer.json",
        "CHECK_ALIAS": "live",
        "CHECK_GATEWAY_S": "29",
        "CHECK_PROVISIONED": "0",
    }
    settings = CheckSettings.from_environ({**told, "LAMBDA_TASK_ROOT": "/var/task"})
    assert settings == ("arn:x:7", Path("/var/task/events/tiny/infer.json"), "live", 29.0, 0)
    for missing in told:
        with pytest.raises(SettingsError, match=f"{missing} is not set"):
            CheckSettings.from_environ({**told, missing: ""})
    for number in ("CHECK_GATEWAY_S", "CHECK_PROVISIONED"):
        with pytest.raises(SettingsError, match=f"{number} is '-1', not a whole number"):
            CheckSettings.from_environ({**told, number: "-1"})


@pytest.mark.parametrize(
    ("memory_mb", "expected"),
    [
        ("128", 1),
        ("1769", 1),
        ("3537", 1),
        ("3538", 2),
        ("4096", 2),
        ("5307", 3),
        ("7076", 4),
        ("8846", 5),
        ("10240", 6),
    ],
)
def test_memory_brings_processors_from_two_on_and_six_at_the_most(
    memory_mb: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory_mb}
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert processors(told) == expected
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert processors(told) == min(expected, 2), "a laptop has what it has"


@pytest.mark.parametrize("told", [{}, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"}])
def test_outside_a_function_one_processor_is_used(told: dict[str, str]) -> None:
    assert processors(told) == 1


def test_a_service_s_own_endpoint_goes_before_the_general_one() -> None:
    assert aws_endpoint(environ={}) == ""
    both = {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}
    assert aws_endpoint(environ=both) == "http://s3"
    assert aws_endpoint("SECRETS_MANAGER", both) == "http://all"


def test_keys_are_both_or_none() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert aws_keys(keys) == ("a", "b", "")
    assert aws_keys({**keys, "AWS_SESSION_TOKEN": "c"}) == ("a", "b", "c")
    assert aws_keys({"AWS_ACCESS_KEY_ID": "a"}) is None


@pytest.mark.parametrize(
    ("said", "starts"), [("snap-start", True), ("on-demand", False), ("provisioned-concurrency", False), (None, False)]
)
def test_only_snapstart_starts_from_a_snapshot(said: str | None, starts: bool) -> None:
    assert starts_from_snapshot({"AWS_LAMBDA_INITIALIZATION_TYPE": said} if said else {}) == starts
