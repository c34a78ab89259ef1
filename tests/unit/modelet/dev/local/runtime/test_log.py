"""Where lines go."""

from __future__ import annotations

import contextlib
import io
import os

from modelet.dev.local.runtime.log import StreamLog


def test_a_line_carries_its_functions_name() -> None:
    stream = io.StringIO()
    StreamLog(stream).line("sentiment", "hello")
    assert stream.getvalue() == "sentiment | hello\n"


def test_each_of_several_lines_carries_it() -> None:
    stream = io.StringIO()
    StreamLog(stream).line("sentiment", "END\nREPORT")
    assert stream.getvalue() == "sentiment | END\nsentiment | REPORT\n"


def test_a_reader_that_left_ends_the_log_and_nothing_else() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    log = StreamLog(stream)
    log.line("f", "read")
    os.close(reading)
    for _ in range(3):
        log.line("f", "not read")
    with contextlib.suppress(BrokenPipeError):
        stream.close()
