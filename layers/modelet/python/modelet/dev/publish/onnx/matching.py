"""Patterns as trees, and the check that a search matches the same text in Python and in the graph's tokenizer.

The graph's tokenizer has RE2 take the longest match at a place (`longest_match` in onnxruntime's tokenizer.cc). Python
tries the ways in their order and takes the first: `a|ab` takes "a" of "ab". Both start at the leftmost place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelet.dev.publish.onnx.characters import Characters, atoms

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 1000
"""How many steps a pattern may have, its counted repeats written out; RE2 counts to 1,000 too."""

STATES = 3000
"""How many states of the two searches are looked at before a pattern is called too complicated."""


class Sequence(NamedTuple):
    """One part after the other."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """The first of some parts that matches."""

    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    """A part some times, without end where most is None; as few times as possible where it is lazy."""

    part: Node
    least: int
    most: int | None
    lazy: bool


Node = Characters | Sequence | Choice | Repeat


class TooLongError(Exception):
    """The pattern has too many steps or states."""


def is_nullable(node: Node) -> bool:
    """Whether a pattern matches the empty text."""
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
    """The sets of characters of a pattern, each once."""
    match node:
        case Characters():
            return [node]
        case Sequence(parts) | Choice(parts):
            return list(dict.fromkeys(each for part in parts for each in sets_of(part)))
        case Repeat(part, _, _, _):
            return sets_of(part)


def first_is_longest(node: Node) -> bool:
    """Whether the first way that matches is the longest, on every text. Raises TooLongError.

    Both searches run at once, as R. Cox's "Regular Expression Matching: the Virtual Machine Approach" has them: a list
    of places in the order of preference, cut behind the first that has matched, and the set of all places. They differ
    on some text if and only if a state can be reached in which only the set has matched.
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
    """A pattern as steps: take a character of a set and go on, or go on at either of two places, the first preferred.

    The place behind the last step has matched.
    """

    def __init__(self, node: Node) -> None:
        self.sets = sets_of(node)
        self.steps: list[int | tuple[int, int]] = []
        self._write(node)

    def threads(self, places: Iterable[int]) -> list[int]:
        """The places that take a character or have matched, reached from some places, in the order of preference."""
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
        """The places after one more character, of a kind that some of the sets hold."""
        return self.threads(place + 1 for place in places if place < len(self.steps) and self.steps[place] in kind)

    def cut(self, places: list[int]) -> tuple[int, ...]:
        """The places up to the one that has matched: none behind it is preferred to it."""
        return tuple(places[: places.index(len(self.steps)) + 1] if self.matched(places) else places)

    def matched(self, places: Iterable[int]) -> bool:
        """Whether one of the places is behind the last step."""
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
        """The place of a step that is not known yet."""
        self.steps.append((0, 0))
        return len(self.steps) - 1

    def _settle(self, fork: int, *, lazy: bool) -> None:
        """Go on behind the fork or, less preferred, here; the other way round where it is lazy."""
        ways = (fork + 1, len(self.steps))
        self.steps[fork] = (ways[1], ways[0]) if lazy else ways
