"""What `python -X importtime` writes, as a tree.

A line is written when an import ends, so that a module comes after those that it imports; its indentation says how deep
it is. Source: docs.python.org/3/using/cmdline.html, -X importtime.
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
    """The first import of a module: what it took itself, in µs, and what it imported.

    where: the author's line that led to it, if that is known.
    """

    module: str
    self_us: int
    children: list[Import] = field(default_factory=list)
    where: str = ""

    @property
    def cumulative_us(self) -> int:
        """With all that it imported. The interpreter's own sum counts what other threads import meanwhile twice."""
        return sum(each.self_us for each in self.walk())

    @property
    def package(self) -> str:
        """The package that the module is in, the first of its names."""
        return self.module.partition(".")[0]

    def walk(self) -> Iterator[Import]:
        """This import and all below it."""
        waiting = [self]
        while waiting:
            yield (each := waiting.pop())
            waiting += reversed(each.children)


def parse(lines: Iterable[str]) -> list[Import]:
    """The imports that nobody imported, in their order; lines that are none of the interpreter's are passed over.

    Where threads import at the same time their lines mix: then a module may stand below another's importer, but none is
    lost.
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
