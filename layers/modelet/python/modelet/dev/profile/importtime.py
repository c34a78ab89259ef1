"""Parse the output of `python -X importtime` into a tree.

A line is written when an import ends, so a module comes after the modules that it imports. Its indentation shows its
depth. Source: docs.python.org/3/using/cmdline.html, -X importtime.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE = re.compile(r"import time: +(\d+) \| +\d+ \| ( *)(\S+)$")
"""Self and cumulative time in µs, two spaces for each level of depth, the module. The heading has no digits."""


@dataclass
class Import:
    """The first import of a module: its own time in µs, and the modules that it imported.

    where: the author's line that caused it, if known.
    """

    module: str
    self_us: int
    children: list[Import] = field(default_factory=list)
    where: str = ""

    @property
    def cumulative_us(self) -> int:
        """The time with everything it imported. The interpreter's own sum counts imports in other threads twice."""
        return sum(each.self_us for each in self.walk())

    @property
    def package(self) -> str:
        """The top-level package of the module."""
        return self.module.partition(".")[0]

    def walk(self) -> Iterator[Import]:
        """Yield this import and all imports below it."""
        waiting = [self]
        while waiting:
            yield (each := waiting.pop())
            waiting += reversed(each.children)


def parse(lines: Iterable[str]) -> list[Import]:
    """Return the top-level imports in order. Ignore lines that -X importtime did not write.

    If threads import at the same time, their lines are mixed: a module may then appear below the wrong importer, but
    none is lost.
    """
    pending: list[tuple[int, Import]] = []
    for line in lines:
        found = LINE.search(line)
        if not found:
            continue
        depth, ended = len(found[2]) // 2, Import(found[3], int(found[1]))
        first = len(pending)
        while first and pending[first - 1][0] > depth:
            first -= 1
        ended.children = [child for _, child in pending[first:]]
        pending[first:] = [(depth, ended)]
    return [root for _, root in pending]
