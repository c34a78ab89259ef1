"""Lambda's own lines."""

from __future__ import annotations

import os
import re

import pytest

from modelet.dev.local.runtime import lambda_log as report
from modelet.dev.local.runtime.memory import peak_mb
from modelet.dev.local.runtime.process import words


def test_a_report_reads_as_lambdas() -> None:
    text = report.end("id", duration_ms=1.234, billed_ms=101.2, memory_mb=128, used_mb=37, init_ms=100)
    assert text == (
        "END RequestId: id\n"
        "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 102 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB"
        "\tInit Duration: 100.00 ms"
    )


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (None, ""),
        ("Sandbox.Timedout", "\tStatus: timeout"),
        ("Runtime.ExitError", "\tStatus: error\tError Type: Runtime.ExitError"),
    ],
)
def test_a_failed_environment_shows_in_its_report(error: str | None, fields: str) -> None:
    text = report.end("id", duration_ms=1, billed_ms=1, memory_mb=128, used_mb=1, error=error)
    assert text.endswith(f"Max Memory Used: 1 MB{fields}")


def test_a_timeout_is_stamped_with_its_moment() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z id Task timed out after 3\.00 seconds", report.timed_out("id", 3)
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, ""),
        (0, ""),
        (1, "exit status 1"),
        (-9, "signal: killed"),
        (-11, "signal: segmentation fault"),
        (-15, "signal: SIGTERM"),
        (-35, "signal: 35"),
    ],
)
def test_the_end_of_a_process_is_said_as_lambda_says_it(code: int | None, said: str) -> None:
    assert words(code) == said


def test_the_peak_of_this_process_is_more_than_nothing_and_that_of_a_process_which_is_gone_is_zero() -> None:
    assert peak_mb(os.getpid()) > 10
    assert peak_mb(2**22 + 1) == 0
