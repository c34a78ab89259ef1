"""One fresh process: how far it comes, what it says, and that nothing is left of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.profile.sample import Sample
from modelet.dev.profile.start import start
from modelet.errors import CommandError
from modelet.store.manifest import Column
from support.events import rows_event
from support.projects import BAD, Tiny, make_tiny

from .conftest import EVENT

STAGES = ["interpreter", "client", "imports", "init", "answer"]


def prepared(tiny: Tiny) -> LocalFunction:
    return local_function(tiny.function, tiny.store)


def test_a_start_goes_from_stage_to_stage(tiny: Tiny) -> None:
    found = start(prepared(tiny), EVENT, {})
    assert list(found.ends) == STAGES
    moments = list(found.ends.values())
    for early, late in pairwise(moments):
        assert early.wall_ms < late.wall_ms
        assert early.cpu_ms < late.cpu_ms
        assert early.resident_mb <= late.resident_mb + 1
    assert found.peak_mb >= moments[-1].resident_mb > moments[0].resident_mb > 1
    assert found.reply is not None
    assert json.loads(json.loads(found.reply.payload)["body"])["label"] == "high"
    assert found.cold["status"] == 200
    assert [note for note in found.notes if note[0] != "stage"] == []


def test_an_init_alone_needs_no_event(tiny: Tiny) -> None:
    found = start(prepared(tiny), None, {})
    assert list(found.ends) == STAGES[:-1]
    assert (found.reply, found.cold) == (None, {})


def test_a_function_without_a_class_imports_its_backend_before_it_loads(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=(Column("a", "number"), Column("b", "number")))
    ends = start(prepared(tiny), None, {}).ends
    notes = [note[1] for note in start(prepared(tiny), None, {}, traced=True).notes]
    imports_end = max(place for place, name in enumerate(notes) if name == "imports")
    assert notes.index("onnxruntime") < imports_end
    assert ends["imports"].resident_mb > ends["client"].resident_mb + 10


def test_traced_it_says_who_asked_for_each_module_and_where(changed: Callable[[str], Tiny]) -> None:
    tiny = changed("import colours\n")
    (tiny.function.folder / "colours.py").write_text("def late():\n    import colorsys\n\nlate()\n")
    asked = {note[1]: note[2:] for note in start(prepared(tiny), EVENT, {}, traced=True).notes if note[0] == "import"}
    assert asked["app"][1:] == ["", "0"]
    assert asked["colours"] == ["yours", "app.py", "1"]
    assert asked["colorsys"] == ["yours", "colours.py", "2"]
    assert asked["onnxruntime"][:2] == ["modelet", "app.py"]
    assert asked["awslambdaric.bootstrap"] == ["runtime", "", "0"]


def test_traced_it_says_what_has_no_bytecode(tiny: Tiny) -> None:
    def compiled(sample: Sample) -> list[str]:
        return [Path(note[1]).name for note in sample.notes if note[0] == "compile"]

    function = prepared(tiny)
    start(function, None, {})
    assert compiled(start(function, None, {}, traced=True)) == []
    unwritten = replace(function, environment={**function.environment, "PYTHONPYCACHEPREFIX": "/dev/null/nowhere"})
    assert "app.py" in compiled(start(unwritten, None, {}, traced=True))


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("1 / 0", "tiny does not start: ZeroDivisionError: division by zero"),
        ("import nowhere", "tiny does not start: Runtime.ImportModuleError: Unable to import module "),
        (
            "print('no licence'); os._exit(3)",
            "tiny does not start: exit status 3; its last output was: no licence",
        ),
    ],
)
def test_an_init_that_fails_is_told_in_the_function_s_own_words(tiny: Tiny, before: str, said: str) -> None:
    app = tiny.function.folder / "app.py"
    app.write_text(f"import os\nif '_HANDLER' in os.environ:\n    {before}\n{app.read_text()}")
    with pytest.raises(CommandError) as refused:
        start(prepared(tiny), EVENT, {})
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("infer", "said"),
    [
        ("import os; os._exit(4)", "tiny does not respond to the event: exit status 4"),
        (
            "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, [s.SIGALRM]); s.pause()",
            "tiny does not respond to the event: no response within 1 s",
        ),
    ],
)
def test_an_event_that_is_not_answered_is_told(tiny: Tiny, infer: str, said: str) -> None:
    app = tiny.function.folder / "app.py"
    own = f"class TinyModel(OnnxModel[Row, Label]):\n    def infer(self, inputs):\n        {infer}"
    app.write_text(app.read_text().replace("class TinyModel(OnnxModel[Row, Label]):\n    pass", own))
    with pytest.raises(CommandError) as refused:
        start(replace(prepared(tiny), timeout_s=1), EVENT, {})
    assert str(refused.value).startswith(said)


def test_a_refusal_is_an_answer(tiny: Tiny) -> None:
    found = start(prepared(tiny), json.dumps(rows_event(BAD)).encode(), {})
    assert found.reply is not None
    assert json.loads(found.reply.payload)["statusCode"] == 422


def test_nothing_is_left(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    start(prepared(tiny), EVENT, {})
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [each for each in psutil.Process().children(recursive=True) if "awslambdaric" in each.cmdline()]
