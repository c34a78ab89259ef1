"""Watching a batch: a bar on a terminal, lines in a pipe, and what Ctrl-C leaves behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelet.dev.cli.batch import watch
from modelet.dev.cli.batch.service import BatchService
from modelet.dev.cli.batch.watch import interval
from modelet.dev.cli.remote import Caller
from support.scripted_api import ScriptedApi

from .conftest import BATCH, OF, record, shown

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
RUNNING = shown(rows_done=1_000, rows_failed=5, chunks_failed=1)
DONE = shown("DONE", rows_done=1_995, rows_failed=5)


@pytest.mark.parametrize(
    ("chunks", "seconds"), [(None, 0.5), (1, 0.5), (1_000, 0.5), (4_000, 2.0), (20_000, 10.0), (50_000, 10.0)]
)
def test_the_more_chunks_there_are_the_longer_it_waits(chunks: int | None, seconds: float) -> None:
    assert interval(chunks) == seconds


@pytest.mark.parametrize("words", [("status", "tiny", BATCH), ("start", "tiny", "s3://lake/a.csv", "--key", "id")])
def test_a_terminal_shows_a_bar_with_rows_rate_time_left_and_errors(
    show: Callable[..., str], scripted: ScriptedApi, words: tuple[str, ...]
) -> None:
    scripted.answer("POST", OF, record("PLANNING"), status=202)
    scripted.answer("GET", f"{OF}/{BATCH}", RUNNING, RUNNING, DONE)
    seen = show("batch", *words, "--watch", "--url", scripted.url, "--token", "t")
    assert "\x1b[" in seen
    plain = ESCAPES.sub("", seen)
    assert "━" in plain
    for part in ("RUNNING", "1,000 rows", "5 rejected", "1,234 rows/s", "12 s left", "1 chunk failed"):
        assert part in plain
    assert f"{BATCH}: DONE, 1,995 rows, 5 rejected" in plain


def watching(scripted: ScriptedApi, project: Path) -> subprocess.Popen[str]:
    """Watch in a process of its own, whose output goes into pipes; returns once it has asked."""
    scripted.answer("GET", f"{OF}/{BATCH}", RUNNING)
    words = ["batch", "status", "tiny", BATCH, "--watch", "--url", scripted.url, "--token", "t"]
    command = [sys.executable, "-c", "from modelet.dev.cli import main; main()", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=project)
    until = time.monotonic() + 60
    while not scripted.seen and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    return process


def test_ctrl_c_says_that_the_batch_goes_on_and_how_to_watch_or_cancel_it(scripted: ScriptedApi, project: Path) -> None:
    with watching(scripted, project) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"{watch.summary(RUNNING)}\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert said.rstrip() == (
        f"the batch {BATCH} goes on: `modelet batch status tiny {BATCH} --watch --url {scripted.url}` follows it, "
        f"`modelet batch cancel tiny {BATCH} --url {scripted.url}` cancels it"
    )
    assert {each.method for each in scripted.seen} == {"GET"}


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_batch_whose_server_ends_with_the_command_is_cancelled(
    scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_cancelled: bool
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    scripted.answer("GET", f"{OF}/{BATCH}", RUNNING)
    if is_cancelled:
        scripted.answer("DELETE", f"{OF}/{BATCH}", record("CANCELLED"))
    else:
        scripted.refuse("DELETE", f"{OF}/{BATCH}", 409, "it is LOADING")
    monkeypatch.setattr(time, "sleep", interrupt)
    service = BatchService(scripted.url, "tiny", Caller(signs=False), is_local=True, ends=True)
    with pytest.raises(KeyboardInterrupt):
        watch.watch(service, BATCH)
    last = capsys.readouterr().err.splitlines()[-1]
    assert [each.method for each in scripted.seen] == ["GET", "DELETE"]
    if is_cancelled:
        assert last.endswith(f"`modelet batch resume tiny {BATCH}` runs what is missing")
        assert "is cancelled, as its server ends with this command" in last
    else:
        assert "(it is LOADING)" in last


@pytest.mark.parametrize("ends", [True, False])
def test_a_server_that_ends_with_the_command_announces_the_end_of_the_batch_first(
    scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    scripted.answer("GET", f"{OF}/{BATCH}", DONE, DONE, {**DONE, "announced": True})
    watch.watch(BatchService(scripted.url, "tiny", Caller(signs=False), is_local=True, ends=ends), BATCH)
    assert len(scripted.seen) == (3 if ends else 1)


def test_a_method_that_takes_too_long_does_not_keep_the_command(
    scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ANNOUNCED_S", 0.0)
    scripted.answer("GET", f"{OF}/{BATCH}", DONE)
    watch.watch(BatchService(scripted.url, "tiny", Caller(signs=False), is_local=True, ends=True), BATCH)
    assert len(scripted.seen) == 1


def test_a_chunk_that_failed_is_named_at_the_end(scripted: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    errors = [
        {"chunk": number, "attempt": 1, "at": None, "problem": {"detail": f"reason {number}"}} for number in range(12)
    ]
    scripted.answer("GET", f"{OF}/{BATCH}", shown("FAILED", errors, problem={"detail": "12 chunks failed"}))
    service = BatchService(scripted.url, "tiny", Caller(signs=False), is_local=True)
    with pytest.raises(Exception, match="12 chunks failed"):
        watch.watch(service, BATCH)
    _, first, *_, tenth, more = capsys.readouterr().out.splitlines()
    assert (first, tenth) == ("chunk 0: reason 0", "chunk 9: reason 9")
    assert more == f"2 more chunks failed: `modelet batch status tiny {BATCH} --json` lists them"


def test_on_this_machine_no_price_is_shown(scripted: ScriptedApi) -> None:
    told = shown("DONE", load_reason="write: 3 rows; …")
    for is_local in (True, False):
        service = BatchService(scripted.url, "tiny", Caller(signs=False), is_local=is_local)
        assert any("load write" in line for line in watch.notes(service, told)) is not is_local


def test_a_command_for_a_shell_is_quoted(scripted: ScriptedApi) -> None:
    service = BatchService("https://a.example/x?y=1&z", "tiny", Caller(signs=False), is_local=False)
    assert service.command("status", "a b") == "`modelet batch status tiny 'a b' --url 'https://a.example/x?y=1&z'`"
