"""Patterns as trees, and the check that Python and the graph's tokenizer match the same text.

The graph's tokenizer uses RE2 with the longest match at a position (`longest_match` in onnxruntime's tokenizer.cc).
Python tries alternatives in order and takes the first: `a|ab` takes "a" of "ab". Both start at the leftmost position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelet.dev.publish.onnx.characters import Characters, atoms

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 1000
"""The most steps of a pattern, with its counted repeats expanded; RE2's limit is 1,000 too."""

STATES = 3000
"""The most states of the two searches that are visited before a pattern is rejected as too complicated."""


class Sequence(NamedTuple):
    """Parts in sequence."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """Alternatives: the first that matches."""

    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    """A repeated part; unlimited if `most` is None, as few times as possible if `lazy`."""

    part: Node
    least: int
    most: int | None
    lazy: bool


Node = Characters | Sequence | Choice | Repeat


class TooLongError(Exception):
    """The pattern has too many steps or states."""


def is_nullable(node: Node) -> bool:
    """Return whether a pattern matches the empty text."""
    match node:
        case Characters():
            return False
        case Sequence(parts):
            return all(map(is_nullable, parts))
        case Choice(parts):
            return any(map(is_nullable, parts))
        case Repeat(part, least, _, _):
            return least == 0 or is_nullable(part)


def sets_of(node: Node) -> list[Characters]:
    """Return the sets of characters in a pattern, without duplicates."""
    match node:
        case Characters():
            return [node]
        case Sequence(parts) | Choice(parts):
            return list(dict.fromkeys(each for part in parts for each in sets_of(part)))
        case Repeat(part, _, _, _):
            return sets_of(part)


def first_is_longest(node: Node) -> bool:
    """Return whether the first match in Python's order is the longest, for every text. Raises TooLongError.

    It simulates both searches at once, as in R. Cox's "Regular Expression Matching: the Virtual Machine Approach": one
    is a list of steps in order of preference, cut after the first that has matched, and the other the set of all steps.
    They differ on some text if and only if a state is reachable in which only the set has matched.
    """
    program = _Program(node)
    kinds = list(atoms(program.sets))
    first = program.threads([0])
    waiting = [(program.cut(first), frozenset(first))]
    seen = set(waiting)
    while waiting:
        preferred, every = waiting.pop()
        if program.matched(every) and not program.matched(preferred):
            return False
        for kind in kinds:
            state = (program.cut(program.after(preferred, kind)), frozenset(program.after(sorted(every), kind)))
            if state[1] and state not in seen:
                seen.add(state)
                waiting.append(state)
        if len(seen) > STATES:
            raise TooLongError
    return True


class _Program:
    """A pattern as steps: consume a character of a set, or continue at either of two steps, the first one preferred.

    The index after the last step means a match.
    """

    def __init__(self, node: Node) -> None:
        self.sets = sets_of(node)
        self.steps: list[int | tuple[int, int]] = []
        self._write(node)

    def threads(self, places: Iterable[int]) -> list[int]:
        """Return the steps reachable from `places` that consume a character or have matched, in order of preference."""
        found: dict[int, None] = {}
        waiting = list(reversed(list(places)))
        passed = set()
        while waiting:
            place = waiting.pop()
            if place in passed:
                continue
            passed.add(place)
            step = self.steps[place] if place < len(self.steps) else None
            if isinstance(step, tuple):
                waiting.extend(reversed(step))
            else:
                found[place] = None
        return list(found)

    def after(self, places: Iterable[int], kind: frozenset[int]) -> list[int]:
        """Return the steps after one more character; `kind` has the indices of the sets that contain it."""
        return self.threads(place + 1 for place in places if place < len(self.steps) and self.steps[place] in kind)

    def cut(self, places: list[int]) -> tuple[int, ...]:
        """Return the steps up to the one that has matched: it is preferred to all after it."""
        return tuple(places[: places.index(len(self.steps)) + 1] if self.matched(places) else places)

    def matched(self, places: Iterable[int]) -> bool:
        """Return whether one of the steps has matched."""
        return len(self.steps) in places

    def _write(self, node: Node) -> None:
        if len(self.steps) > SIZE:
            raise TooLongError
        match node:
            case Characters():
                self.steps.append(self.sets.index(node))
            case Sequence(parts):
                for part in parts:
                    self._write(part)
            case Choice(parts):
                self._write_choice(parts)
            case Repeat():
                self._write_repeat(node)

    def _write_repeat(self, node: Repeat) -> None:
        for _ in range(node.least):
            self._write(node.part)
        forks = []
        for _ in range(1 if node.most is None else node.most - node.least):
            forks.append(self._fork())
            self._write(node.part)
        if node.most is None:
            self.steps.append((forks[0], forks[0]))
        for fork in forks:
            self._settle(fork, lazy=node.lazy)

    def _write_choice(self, parts: tuple[Node, ...]) -> None:
        ends = []
        for part in parts[:-1]:
            fork = self._fork()
            self._write(part)
            ends.append(self._fork())
            self._settle(fork, lazy=False)
        self._write(parts[-1])
        for end in ends:
            self.steps[end] = (len(self.steps), len(self.steps))

    def _fork(self) -> int:
        """Add a step whose targets are not known yet, and return its index."""
        self.steps.append((0, 0))
        return len(self.steps) - 1

    def _settle(self, fork: int, *, lazy: bool) -> None:
        """Make a fork continue at the next step or, with less preference, at the end; the reverse if it is lazy."""
        ways = (fork + 1, len(self.steps))
        self.steps[fork] = (ways[1], ways[0]) if lazy else ways
