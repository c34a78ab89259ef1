"""Settings: what the environment must say, and what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.errors import (
    SettingsError,
)
from modelet.settings import Settings


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
    assert (settings.task_root, settings.function_name, settings.memory_mb) == (Path("/var/task"), "sentiment", 1024)
