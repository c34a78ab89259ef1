"""Progress on a terminal and into a pipe."""

from __future__ import annotations

import io
import time

from hypothesis import given
from hypothesis import strategies as st

from modelet.dev import progress as module
from modelet.dev.progress import Lines, Silent, percent, progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_one_plain_line_for_each_step() -> None:
    stream = io.StringIO()
    with progress(stream) as shown:
        shown.step("training")
        shown.advance(1, 2)
        shown.step("writing [red]")
    assert stream.getvalue() == "training\nwriting [red]\n"


def test_a_pipe_hears_of_a_long_step_now_and_then() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.step("copying")
    lines._said = time.monotonic() - module.QUIET_S
    lines.advance(1, 4)
    lines.advance(2, 4)
    assert stream.getvalue() == "copying\n  25 %\n"


def test_a_terminal_shows_each_step_and_takes_no_text_for_markup() -> None:
    stream = Terminal()
    with progress(stream) as shown:
        shown.advance(1, 2)
        shown.step("training [red]")
        shown.step("writing")
        shown.advance(1, 2)
        shown.advance(2, 2)
    text = stream.getvalue()
    assert "training [red]" in text
    assert "writing" in text


def test_silence_says_nothing() -> None:
    Silent().step("training")
    Silent().advance(1, 2)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_share_is_from_0_to_100(done: int, total: int) -> None:
    assert 0 <= percent(done, total) <= 100
