"""Where no engine can run, the step says so and why; CI takes that for a failure."""

from __future__ import annotations

import pytest

from e2e.engine.__main__ import SKIPPED, VERBS, main
from e2e.engine.engine import Skipped


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def up() -> None:
        raise Skipped("no Docker engine answers, and setting one up takes root on Debian")

    monkeypatch.setitem(VERBS, "up", up)
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.usefixtures("no_engine")
def test_a_machine_without_an_engine_skips_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("up") == SKIPPED
    assert capsys.readouterr().err.startswith("skipped: no Docker engine answers")


@pytest.mark.usefixtures("no_engine")
def test_ci_accepts_no_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert main("up") == 1
