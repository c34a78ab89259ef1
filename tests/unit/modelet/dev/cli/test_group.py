"""The command line as a whole: help, mistakes, errors, exit codes, speed."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import Result

from modelet.dev.cli import main
from support.commands import failure
from support.repository import ROOT

from .conftest import COMMAND

Run = Callable[..., Result]
COMMANDS = list(main.commands)
HEAVY = {"boto3", "numpy", "obstore", "onnxruntime", "pydantic", "pydantic_core", "rich", "sklearn", "yaml", "asyncio"}


def test_the_commands_are_those_of_the_readme() -> None:
    known = [
        "new",
        "publish",
        "pin",
        "up",
        "infer",
        "invoke",
        "batch",
        "jobs",
        "profile",
        "models",
        "versions",
        "show",
        "alias",
        "push",
        "bundle",
        "call",
    ]
    assert list(main.commands) == known
    table = re.findall(r"^\| (`modelet .*?) \| ", (ROOT / "README.md").read_text(), re.MULTILINE)
    named = [name for cell in table for name in re.findall(r"`(?:modelet )?([a-z]+)", cell)]
    assert sorted(named) == sorted(known)


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=lambda words: "-".join(words) or "modelet")
def test_every_help_has_an_example_that_calls_it(run: Run, words: list[str]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    _, examples = result.stdout.split("\nExamples:\n")
    assert f"modelet {' '.join(words)}".rstrip() in examples
    assert "\x1b" not in result.stdout


def test_the_list_of_commands_is_not_cut_off(run: Run) -> None:
    assert "..." not in run("--help").stdout.split("Commands:")[1]


def test_version_is_the_distributions(run: Run) -> None:
    assert run("--version").stdout == f"modelet {version('modelet')}\n"


def test_no_command_is_answered_with_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pubish"], "no such command 'pubish'. (Did you mean one of: 'publish', 'push'?) See modelet --help."),
        (
            ["up", "--prot", "1"],
            "no such option '--prot'. (Did you mean one of: '--host', '--port'?) See modelet up --help.",
        ),
        (["publish"], "missing argument 'NAME'. See modelet publish --help."),
        (["push", "toy", "1"], "missing option '--to'. See modelet push --help."),
        (
            ["new", "toy", "--backend", "torch"],
            "invalid value for '--backend': 'torch' is not one of 'onnx', 'lightgbm', 'xgboost', 'catboost', 'sklearn'",
        ),
        (
            ["publish", "toy", "--from", __file__],
            "--from and --examples must be used together. See modelet publish --help.",
        ),
        (["infer", "toy", "{text: 1}"], "invalid value for 'JSON|@FILE|-': invalid JSON: "),
        (
            ["infer", "toy", "@nowhere.json"],
            "invalid value for 'JSON|@FILE|-': nowhere.json cannot be read: No such file",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(run: Run, words: list[str], said: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {said}")
    assert len(result.stderr.splitlines()) == 1


def test_an_error_of_ours_is_one_line_with_a_remedy_and_exit_code_1(run: Run) -> None:
    assert failure(run("pin", "toy")) == "no model 'toy' in functions/: there are none yet: run `modelet new toy`"


def test_a_wrong_store_is_said_in_one_line(run: Run) -> None:
    assert "is not the URL of a store: give file:///… or s3://bucket/prefix" in failure(
        run("models", "--store", "./here")
    )


def test_outside_a_project_the_remedy_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "functions").rmdir()
    monkeypatch.chdir(tmp_path)
    assert failure(run("models")).endswith("run modelet inside a project, or create one with `mkdir functions`")


def test_a_file_that_cannot_be_written_is_one_line(run: Run, project: Path) -> None:
    (project / "events").write_text("a file where a folder should be\n")
    assert failure(run("new", "churn")) == f"{project / 'events' / 'churn'}: Not a directory"
    assert not (project / "functions" / "churn").exists()


def test_the_environment_names_the_store(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELET_STORE", "ftp://nowhere")
    assert "'ftp://nowhere' is not the URL of a store" in failure(run("models"))
    monkeypatch.setenv("MODELET_STORE", "")
    assert run("models").exit_code == 0


def _as_in_a_terminal() -> None:
    """What runs in the background of a script ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_with_130_and_no_traceback(project: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "infer", "toy", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - it does one thing, and no other thread is needed for that
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.returncode, process.stdout.read(), process.stderr.read().strip()) == (130, b"", b"")


def test_a_reader_that_leaves_early_gets_no_traceback(project: Path) -> None:
    done = subprocess.run(
        f"{' '.join(map(json.dumps, COMMAND))} --help | true", shell=True, capture_output=True, check=False
    )
    assert done.stderr == b""


def test_help_loads_nothing_heavy(project: Path) -> None:
    script = "import sys; from modelet.dev.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_help_costs_little_more_than_the_library_that_writes_it(project: Path) -> None:
    def spent(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = [sys.executable, "-c", "import click"]
    assert min(spent(*COMMAND, "--help") for _ in range(5)) < 3 * min(spent(*bare) for _ in range(5))


def test_the_shell_completes_the_names_of_models(project: Path) -> None:
    for folder in ("review_mood", "churn", "broken.name"):
        (project / "functions" / folder).mkdir()
    for folder in ("review_mood", "churn"):
        (project / "functions" / folder / "model.yaml").write_text("nonsense: 1\n")

    def completed(words: str) -> list[str]:
        asked = {"_MODELET_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "2"}
        done = subprocess.run(COMMAND, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("modelet pin re") == ["plain,review-mood"]
    (project / "functions" / "broken.name" / "model.yaml").touch()
    assert completed("modelet pin re") == []


def test_errors_are_red_on_a_terminal(show: Callable[..., str]) -> None:
    assert "\x1b[31m\x1b[1merror:\x1b[0m no model 'toy'" in show("pin", "toy")
