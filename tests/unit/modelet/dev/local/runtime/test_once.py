"""One event through the official runtime client: what its caller gets, and what the log says."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.local.runtime.runtime import Runtime
from modelet.edges.base import EVENT_LIMIT
from modelet.errors import TooLargeError
from modelet.violation import RESPONSE_LIMIT

if TYPE_CHECKING:
    from modelet.dev.local.runtime.log import MemoryLog
    from support.clients import Make

ECHO = "def handler(event, context):\n    return event\n"


def payload(outcome: Any) -> Any:
    return json.loads(outcome.payload)


def report(log: MemoryLog) -> dict[str, str]:
    line = next(line for line in log.lines if line.startswith("REPORT"))
    return dict(field.split(": ", 1) for field in line.removeprefix("REPORT ").split("\t"))


def test_the_event_reaches_the_handler_and_its_answer_comes_back(make: Make, log: MemoryLog) -> None:
    event = {"text": "정말 좋아요", "n": [1, 2.5, None, True]}
    outcome = invoke_once(make(ECHO), json.dumps(event).encode(), log=log)
    assert payload(outcome) == event
    assert outcome.error is None


def test_the_context_is_lambdas(make: Make, log: MemoryLog) -> None:
    source = """
def handler(event, context):
    return [context.function_name, context.memory_limit_in_mb, context.function_version, context.aws_request_id,
            context.invoked_function_arn, context.get_remaining_time_in_millis()]
"""
    outcome = invoke_once(make(source, "breast-cancer", memory_mb=640, timeout_s=7), b"{}", log=log)
    name, memory, version, request_id, arn, remaining = payload(outcome)
    assert (name, memory, version, request_id) == ("breast-cancer", "640", "$LATEST", outcome.request_id)
    assert arn.endswith(":function:breast-cancer")
    assert 6_000 < remaining <= 7_000


def test_the_log_has_lambdas_lines_around_what_the_function_prints(make: Make, log: MemoryLog) -> None:
    source = """
import sys
print("at init")
def handler(event, context):
    print("one"); print("two", file=sys.stderr); sys.stdout.write("no newline")
"""
    outcome = invoke_once(make(source, memory_mb=512), b"{}", log=log)
    request_id = outcome.request_id
    start = f"START RequestId: {request_id} Version: $LATEST"
    assert log.lines[:-1] == ["at init", start, "one", "two", "no newline", f"END RequestId: {request_id}"]
    number = r"\d+(\.\d\d)?"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: {number} ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB"
        rf"\tMax Memory Used: \d+ MB\tInit Duration: {number} ms",
        log.lines[-1],
    )


def test_the_report_bills_the_init_and_shows_the_peak_of_memory(make: Make, log: MemoryLog) -> None:
    source = """
import time
time.sleep(0.2)
def handler(event, context):
    held = bytearray(120_000_000)
    for i in range(0, len(held), 4096): held[i] = 1
    del held
    time.sleep(0.15)
"""
    outcome = invoke_once(make(source, memory_mb=64), b"{}", log=log)
    told = report(log)
    assert outcome.init_ms is not None
    assert outcome.init_ms >= 200
    assert int(told["Billed Duration"].removesuffix(" ms")) >= outcome.init_ms + outcome.duration_ms
    assert int(told["Max Memory Used"].removesuffix(" MB")) > 120
    assert any("exceeds memory_mb (64)" in line for line in log.lines)


def test_an_error_of_the_handler_is_the_callers_with_type_message_and_stack(make: Make, log: MemoryLog) -> None:
    outcome = invoke_once(make("def handler(event, context):\n    raise LookupError('no such row')\n"), b"{}", log=log)
    told = payload(outcome)
    assert outcome.error == told["errorType"] == "LookupError"
    assert told["errorMessage"] == "no such row"
    assert "app.py" in told["stackTrace"][0]
    assert "[ERROR] LookupError: no such row" in log.lines
    assert not any("\r" in line for line in log.lines)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\ndef handler(event, context): os._exit(3)\n", "Runtime exited with error: exit status 3"),
        ("import os\ndef handler(event, context): os._exit(0)\n", "Runtime exited without providing a reason"),
        (
            "import os\ndef handler(event, context): os.kill(os.getpid(), 9)\n",
            "Runtime exited with error: signal: killed",
        ),
    ],
    ids=["exit", "exit-0", "killed"],
)
def test_a_crash_is_lambdas_exit_error(make: Make, log: MemoryLog, source: str, words: str) -> None:
    outcome = invoke_once(make(source), b"{}", log=log)
    assert outcome.error == "Runtime.ExitError"
    told = f"RequestId: {outcome.request_id} Error: {words}"
    assert payload(outcome) == {"errorType": "Runtime.ExitError", "errorMessage": told}
    assert told in log.lines
    assert report(log)["Error Type"] == "Runtime.ExitError"


def test_a_timeout_kills_and_says_so(make: Make, log: MemoryLog) -> None:
    source = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(60)\n"
    began = time.monotonic()
    outcome = invoke_once(make(source, timeout_s=0.3), b"{}", log=log)
    assert time.monotonic() - began < 10
    assert payload(outcome) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {outcome.request_id} Error: Task timed out after 0.30 seconds",
    }
    assert "begun" in log.lines
    assert any(re.fullmatch(r"\S+Z \S+ Task timed out after 0\.30 seconds", line) for line in log.lines)
    assert report(log)["Status"] == "timeout"


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("import nothing_of_this_name\n", "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("other = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise RuntimeError('the artifact is altered')\n", "RuntimeError", "the artifact is altered"),
    ],
    ids=["import", "syntax", "missing", "raises"],
)
def test_a_failed_init_comes_back_with_its_type(
    make: Make, log: MemoryLog, source: str, error: str, message: str
) -> None:
    outcome = invoke_once(make(source), b"{}", log=log)
    assert outcome.error == payload(outcome)["errorType"] == error
    assert message in payload(outcome)["errorMessage"]
    assert any(line.startswith(f"[ERROR] {error}: ") and message in line for line in log.lines)
    line = next(line for line in log.lines if line.startswith("INIT_REPORT"))
    assert re.fullmatch(rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: {error}", line)
    assert report(log)["RequestId"] == outcome.request_id
    assert report(log)["Error Type"] == error


def test_an_init_that_ends_the_process_is_an_exit_error_too(make: Make, log: MemoryLog) -> None:
    outcome = invoke_once(make("import os\nprint('last words')\nos._exit(7)\n"), b"{}", log=log)
    assert outcome.error == "Runtime.ExitError"
    assert payload(outcome)["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")
    assert log.lines[0] == "last words"


def test_a_slow_init_is_killed_at_the_limit_and_repeated_within_the_functions_timeout(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.INIT_LIMIT", 0.4)
    function = make(
        "import time\nprint('init')\ntime.sleep(0.8)\ndef handler(event, context): return 'late'\n", timeout_s=5
    )
    outcome = invoke_once(function, b"{}", log=log)
    assert payload(outcome) == "late"
    assert log.lines.count("init") == 2
    assert any(re.fullmatch(r"INIT_REPORT .*\tPhase: init\tStatus: timeout", line) for line in log.lines)


def test_a_repeated_init_uses_up_the_function_s_timeout_once(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.INIT_LIMIT", 0.4)
    source = """
import time
time.sleep(2)
def handler(event, context):
    time.sleep(event)
    return context.get_remaining_time_in_millis()
"""
    outcome = invoke_once(make(source, timeout_s=30), b"0", log=log)
    assert 0 < payload(outcome) < 28_000
    assert outcome.init_ms is None
    assert outcome.duration_ms >= 2000
    assert int(report(log)["Billed Duration"].removesuffix(" ms")) >= 2000
    assert "Init Duration" not in report(log)
    log.lines.clear()
    outcome = invoke_once(make(source, timeout_s=4), b"3", log=log)
    assert outcome.error == "Sandbox.Timedout"
    assert any(line.endswith("Task timed out after 4.00 seconds") for line in log.lines)


def test_an_environment_whose_init_was_repeated_has_its_whole_timeout_next_time(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.INIT_LIMIT", 0.4)
    source = "import time\ntime.sleep(2)\ndef handler(event, context): return context.get_remaining_time_in_millis()\n"

    async def scenario() -> list[Any]:
        async with Runtime([make(source, timeout_s=30)], log=log) as runtime:
            return [payload(await runtime.invoke("echo", b"{}")) for _ in range(2)]

    first, second = asyncio.run(scenario())
    assert second > first + 1500


def test_an_init_that_never_ends_is_a_timeout(make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.INIT_LIMIT", 0.2)
    outcome = invoke_once(make("import time\ntime.sleep(60)\n", timeout_s=0.3), b"{}", log=log)
    assert outcome.error == "Sandbox.Timedout"
    assert payload(outcome)["errorMessage"].endswith("Error: Task timed out after 0.30 seconds")
    phases = [line.split("\t")[1] for line in log.lines if line.startswith("INIT_REPORT")]
    assert phases == ["Phase: init", "Phase: invoke"]


def test_an_answer_above_lambdas_limit_is_an_error(make: Make, log: MemoryLog) -> None:
    source = f"def handler(event, context): return 'x' * (event - 2)\nassert {RESPONSE_LIMIT}\n"
    assert len(invoke_once(make(source), str(RESPONSE_LIMIT).encode(), log=log).payload) == RESPONSE_LIMIT
    outcome = invoke_once(make(source), str(RESPONSE_LIMIT + 1).encode(), log=log)
    assert outcome.error == payload(outcome)["errorType"] == "Function.ResponseSizeTooLarge"
    assert str(RESPONSE_LIMIT) in payload(outcome)["errorMessage"]


def test_an_event_above_lambdas_limit_is_refused_before_anything_runs(make: Make, log: MemoryLog) -> None:
    event = json.dumps("x" * (EVENT_LIMIT - 2)).encode()
    assert len(payload(invoke_once(make(ECHO), event, log=log))) == EVENT_LIMIT - 2
    log.lines.clear()
    with pytest.raises(TooLargeError, match=f"{EVENT_LIMIT + 1} bytes"):
        invoke_once(make(ECHO), event + b" ", log=log)
    assert log.lines == []


def test_what_cannot_be_json_is_the_functions_error(make: Make, log: MemoryLog) -> None:
    outcome = invoke_once(make("def handler(event, context): return {1, 2}\n"), b"{}", log=log)
    assert outcome.error == "Runtime.MarshalError"


def test_a_folder_that_is_not_there_is_said(log: MemoryLog, tmp_path: Path) -> None:
    outcome = invoke_once(LocalFunction("gone", tmp_path / "gone", "app.handler"), b"{}", log=log)
    assert outcome.error == "Runtime.InvalidEntrypoint"
    assert any("the runtime client does not start" in line and "gone" in line for line in log.lines)


def test_no_variable_of_the_laptop_reaches_the_function(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_LAPTOP", "1")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    source = "import os\ndef handler(event, context): return dict(os.environ)\n"
    function = make(source, environment={"MODELET_STORE": "file:///store", "AWS_LAMBDA_FUNCTION_NAME": "forged"})
    seen = payload(invoke_once(function, b"{}", log=log))
    assert seen["MODELET_STORE"] == "file:///store"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "echo"
    assert seen["LAMBDA_TASK_ROOT"] == str(function.folder)
    assert seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert not {
        "SECRET_OF_THE_LAPTOP",
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "PYTEST_CURRENT_TEST",
        "AWS_EXECUTION_ENV",
    } & set(seen)
    ours = {
        "LANG",
        "PATH",
        "PYTHONPATH",
        "TZ",
        "HOME",
        "TMPDIR",
        "OMP_NUM_THREADS",
        "JOBLIB_MULTIPROCESSING",
        "LC_CTYPE",
        "_X_AMZN_TRACE_ID",
        "_HANDLER",
    }
    assert all(name in ours or name.startswith(("AWS_", "LAMBDA_", "MODELET_")) for name in seen)


def test_the_tmp_folder_is_the_environments_own_and_goes_with_it(make: Make, log: MemoryLog) -> None:
    source = """
import tempfile, pathlib
def handler(event, context):
    folder = pathlib.Path(tempfile.gettempdir())
    before = sorted(path.name for path in folder.iterdir())
    (folder / "left").write_text("behind")
    return [str(folder), before]
"""
    function = make(source)
    first, empty = payload(invoke_once(function, b"{}", log=log))
    second, also_empty = payload(invoke_once(function, b"{}", log=log))
    assert empty == also_empty == []
    assert first != second
    assert first.startswith(tempfile.gettempdir())
    assert not Path(first).exists()
    assert not Path(first).parent.exists()


def test_nothing_that_the_function_started_outlives_it(make: Make, log: MemoryLog) -> None:
    source = """
import os, subprocess, sys
def handler(event, context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if event == "exit": print(child.pid); os._exit(1)
    return child.pid
"""
    for event in (b'"stay"', b'"exit"'):
        log.lines.clear()
        outcome = invoke_once(make(source), event, log=log)
        pid = int(next(line for line in log.lines if line.isdecimal())) if outcome.error else payload(outcome)
        deadline = time.monotonic() + 5
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)


LEAVING = """
import os, subprocess, sys, time
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

def forked_twice():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(1, f"{os.getpid()}\\n".encode())
            time.sleep(600)
        os._exit(0)
    os.wait()

def handler(event, context):
    if event["how"] == "a session of its own":
        print(subprocess.Popen(SLEEP, start_new_session=True).pid, flush=True)
    elif event["how"] == "a session and no variables":
        print(subprocess.Popen(SLEEP, start_new_session=True, env={}).pid, flush=True)
    else:
        forked_twice()
    time.sleep(0.3)
    if event["end"] == "exit": os._exit(1)
    if event["end"] == "timeout": time.sleep(600)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says what a process started")
@pytest.mark.parametrize(
    ("how", "end"),
    [
        *itertools.product(["a session of its own", "forked twice"], ["stop", "exit", "timeout"]),
        # Nothing tells such a process from any other once its parent has ended by itself.
        *itertools.product(["a session and no variables"], ["stop", "timeout"]),
    ],
)
def test_what_left_the_process_group_ends_too(make: Make, log: MemoryLog, how: str, end: str) -> None:
    invoke_once(make(LEAVING, timeout_s=3), json.dumps({"how": how, "end": end}).encode(), log=log)
    pid = next(int(line) for line in log.lines if line.isdecimal())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_lines_and_bytes_that_are_no_text_are_shown_as_they_can_be(make: Make, log: MemoryLog) -> None:
    source = """
import os
def handler(event, context):
    for i in range(20_000): print("line", i)
    os.write(1, b"\\xff\\xfe bytes\\n")
"""
    invoke_once(make(source), b"{}", log=log)
    assert [line for line in log.lines if line.startswith("line ")] == [f"line {i}" for i in range(20_000)]
    assert "\ufffd\ufffd bytes" in log.lines


def test_no_descriptor_or_process_is_left_here(make: Make, log: MemoryLog) -> None:
    function = make(ECHO)
    invoke_once(function, b"{}", log=log)
    me = psutil.Process(os.getpid())
    before = me.num_fds(), len(me.children(recursive=True))
    for _ in range(3):
        invoke_once(function, b"{}", log=log)
    assert (me.num_fds(), len(me.children(recursive=True))) == before
