"""What an API says if it refuses: one line, from the problem or from its status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelet.dev.cli.batch import service
from modelet.errors import CommandError
from support.commands import Run, failure, lines
from support.projects import make_tiny
from support.scripted_api import ScriptedApi

from .conftest import OF

GET = ("GET", f"{OF}?limit=20")
BARE = {"instance": None, "rule": "r"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PAUSE_S", 0.01)


def test_a_question_is_asked_again_after_an_error_that_may_pass(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer(*GET, b"", status=503)
    scripted.answer(*GET, {"batches": []}, after=2)
    assert lines(ask("batch", "list", "tiny")) == []
    assert len(scripted.seen) == 3


@pytest.mark.parametrize(("status", "calls"), [(503, 4), (429, 4), (500, 1), (404, 1)])
def test_it_is_not_asked_forever_nor_after_other_errors(
    ask: Run, scripted: ScriptedApi, status: int, calls: int
) -> None:
    scripted.refuse(*GET, status, "no")
    assert failure(ask("batch", "list", "tiny")) == "no"
    assert len(scripted.seen) == calls


def test_what_changes_something_is_sent_once(ask: Run, scripted: ScriptedApi) -> None:
    scripted.refuse("POST", f"{OF}/rollback", 503, "no")
    assert failure(ask("batch", "rollback", "tiny")) == "no"
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("status", "members", "said"),
    [
        (404, {}, "the detail"),
        (422, {"errors": [{**BARE, "field": "inputs", "message": "names nothing"}]}, "inputs: names nothing"),
        (422, {"errors": [{**BARE, "field": "", "message": "send a key"}]}, "send a key"),
        (503, {"errors": []}, "the detail"),
    ],
)
def test_a_problem_is_said_in_its_own_words(
    ask: Run, scripted: ScriptedApi, status: int, members: Any, said: str
) -> None:
    scripted.refuse("GET", f"{OF}?limit=20", status, "the detail", **members)
    assert failure(ask("batch", "list", "tiny")) == said


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, {"message": "Forbidden"}, "403: access was denied"),
        (401, b"", "401: the token was not accepted"),
        (502, b"<html>", "502: see the function's log"),
        (301, b"", "301: the API redirects"),
        (200, b"<html>", "does not answer with a JSON object"),
        (200, [], "does not answer with a JSON object"),
    ],
)
def test_what_is_no_problem_has_the_remedy_of_its_status(
    ask: Run, scripted: ScriptedApi, status: int, body: Any, said: str
) -> None:
    scripted.answer("GET", f"{OF}?limit=20", body, status=status)
    assert said in failure(ask("batch", "list", "tiny"))


def test_an_api_that_is_not_there_is_one_line(run: Run) -> None:
    assert "127.0.0.1:9 does not respond" in failure(
        run("batch", "list", "tiny", "--url", "http://127.0.0.1:9", "--token", "t")
    )


def test_an_unknown_model_of_this_machine_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELET_URL", raising=False)
    assert "no model 'tiny'" in failure(run("batch", "list", "tiny"))


def test_a_project_without_the_platform_function_says_what_to_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tiny(tmp_path, spec="batch: {}\n")
    monkeypatch.chdir(tmp_path)
    said = pytest.raises(CommandError, match="no functions/batches: copy that folder")
    with said, service.batch_service("tiny", None, None, None, None):
        pass
