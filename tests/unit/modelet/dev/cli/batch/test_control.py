"""batch cancel, resume and rollback."""

from __future__ import annotations

from support.commands import Run, failure, lines
from support.scripted_api import ScriptedApi

from .conftest import BATCH, OF, record


def test_a_batch_is_cancelled(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("DELETE", f"{OF}/{BATCH}", record("CANCELLED"))
    [[line]] = lines(ask("batch", "cancel", "tiny", BATCH))
    assert line == (
        f"{BATCH} is cancelled: `modelet batch resume tiny {BATCH} --url {scripted.url}` runs what is missing"
    )
    assert (scripted.asked().body, scripted.asked().authorization) == (None, "Bearer a-token")


def test_a_batch_is_resumed(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("POST", f"{OF}/{BATCH}/resume", record(attempt=2), status=202)
    [[line]] = lines(ask("batch", "resume", "tiny", BATCH))
    command = f"`modelet batch status tiny {BATCH} --watch --url {scripted.url}`"
    assert line == f"{BATCH} runs again: {command} follows it"
    assert scripted.asked().body == {}


def test_the_predictions_are_rolled_back(ask: Run, scripted: ScriptedApi) -> None:
    active = {"model": "tiny", "generation": BATCH, "rows": 7, "since": None, "previous": "another"}
    scripted.answer("POST", f"{OF}/rollback", active)
    assert lines(ask("batch", "rollback", "tiny")) == [[f"tiny serves the generation {BATCH}"]]


def test_a_state_that_does_not_allow_it_is_one_line(ask: Run, scripted: ScriptedApi) -> None:
    scripted.refuse("POST", f"{OF}/{BATCH}/resume", 409, "the batch is DONE: start a new one")
    scripted.refuse("POST", f"{OF}/rollback", 409, "there is no previous generation")
    scripted.refuse("DELETE", f"{OF}/{BATCH}", 409, "the batch is DONE")
    assert failure(ask("batch", "resume", "tiny", BATCH)) == "the batch is DONE: start a new one"
    assert failure(ask("batch", "rollback", "tiny")) == "there is no previous generation"
    assert failure(ask("batch", "cancel", "tiny", BATCH)) == "the batch is DONE"
