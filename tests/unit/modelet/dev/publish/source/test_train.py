"""Running an author's train.py."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from modelet.dev.publish.source.train import trained
from modelet.errors import PublishError

if TYPE_CHECKING:
    from modelet.dev.project.project import Function

UNFIT = """from modelet.publishing import Trained
def train():
    return Trained(estimator=0, examples=0, metrics={}, metric='f1')
"""
Make = Callable[..., "Function"]


def test_train_runs_with_its_folder_on_the_path_and_leaves_no_trace(make_function: Make) -> None:
    train = "import words\nfrom modelet.publishing import Trained\n"
    train += "def train():\n    return Trained(estimator=words.WORD, examples=[], metrics={}, metric='')\n"
    path, modules = list(sys.path), set(sys.modules)
    for word in ("one", "two"):
        function = make_function(train, name=word, files={"words.py": f"WORD = {word!r}"})
        with trained(function) as result:
            assert result.estimator == word
            assert "words" in sys.modules
    assert sys.path == path
    assert not {"train", "words"} & (set(sys.modules) - modules)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("def train():\n    rows = []\n    return rows[0]\n", "train.py line 3: IndexError: list index out of range"),
        ("import no_such_module\n", "train.py line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def train(:\n", "train.py line 1: SyntaxError"),
        ("import sys\ndef train():\n    sys.exit(3)\n", "train.py line 3: SystemExit: 3"),
        ("import broken\n", "broken.py line 2: ZeroDivisionError: division by zero"),
        ("import worse\n", "worse.py line 1: SyntaxError"),
        (UNFIT, "train.py line 3: metric is 'f1'"),
        ("x = 1\n", "has no train()"),
        ("def train():\n    return 3\n", r"train\(\) returns int: return modelet.publishing.Trained"),
    ],
)
def test_an_error_of_the_author_is_one_line_with_its_place(make_function: Make, train: str, said: str) -> None:
    function = make_function(train, files={"broken.py": "\n1 / 0\n", "worse.py": "def\n"})
    with pytest.raises(PublishError, match=said) as refused, trained(function):
        pass
    assert str(refused.value).startswith("functions/iris/train.py")
    assert "\n" not in str(refused.value)
    assert "train" not in sys.modules


def test_the_traceback_is_the_cause_and_in_the_log(make_function: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="modelet.dev.publish")
    with pytest.raises(PublishError) as refused, trained(make_function("def train():\n    return {}['key']\n")):
        pass
    cause = refused.value.__cause__
    assert "return {}['key']" in "".join(traceback.format_exception(cause))
    assert "return {}['key']" in caplog.text


def test_a_function_without_a_train_file_is_told_of_both_ways(make_function: Make) -> None:
    with (
        pytest.raises(PublishError, match=r"train.py is missing: write .*, or pass --from FILE"),
        trained(make_function(None)),
    ):
        pass
