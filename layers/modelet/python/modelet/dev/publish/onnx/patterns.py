"""Translation of token patterns from Python's `re` to the graph's tokenizer (RE2), with the same meaning.

In Python, `\\d \\w \\s \\b` and `(?i)` apply to all of Unicode; in RE2, to ASCII. Python's own parser reads the
pattern, and each set of characters is written as ranges, as Python defines it. Other differences are errors.
"""

from __future__ import annotations

import re
from re import _compiler, _constants, _parser  # type: ignore[attr-defined] # typeshed does not describe them
from typing import Any, NamedTuple

from modelet.dev.publish.onnx.characters import Characters, characters
from modelet.dev.publish.onnx.matching import (
    Choice,
    Node,
    Repeat,
    Sequence,
    TooLongError,
    first_is_longest,
    is_nullable,
    sets_of,
)

ONE = frozenset({_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN})
"""The nodes that match one character."""

REPEATS = {_constants.MAX_REPEAT: False, _constants.MIN_REPEAT: True}
"""The nodes that repeat another, and whether they are lazy."""

REFUSED = {
    _constants.ASSERT: "it looks ahead or behind",
    _constants.ASSERT_NOT: "it looks ahead or behind",
    _constants.GROUPREF: "it refers back to a group",
    _constants.GROUPREF_EXISTS: "it refers back to a group",
    _constants.ATOMIC_GROUP: "it has an atomic group",
    _constants.POSSESSIVE_REPEAT: "it has a possessive repeat",
    _constants.AT: r"it has an anchor other than a \b at either end",
}


class PatternError(Exception):
    """A pattern that has no equivalent in RE2; the message is a clause with the reason."""


class Expression(NamedTuple):
    """A pattern in RE2's syntax, and the sets of characters that it matches.

    is_whole: whether it matches all whole words (runs of `\\w`), even those that the pattern does not match. That is
    equivalent only if words are counted one by one and the vocabulary contains none of those.
    """

    text: str
    sets: list[Characters]
    is_whole: bool = False


def translated(pattern: str) -> Expression:
    """Return a pattern for RE2. Raises PatternError if none gives the same tokens for every text."""
    try:
        tree = _parser.parse(pattern)
    except re.error as error:
        raise PatternError(f"it is not valid in Python, {error}") from error
    flags = tree.state.flags
    items, before, behind = _without_boundaries(list(tree))
    node = _sequence(items, flags)
    word = _set((_constants.IN, [(_constants.CATEGORY, _constants.CATEGORY_WORD)]), flags)
    if is_nullable(node):
        raise PatternError("it matches the empty text")
    if before or behind:
        return _of_words(node, word, before and behind)
    try:
        alike = first_is_longest(node)
    except TooLongError:
        raise PatternError("it is too complicated") from None
    if not alike:
        raise PatternError("Python takes the first match, which is not always the longest, which RE2 takes")
    return Expression(_written(node), sets_of(node))


def _without_boundaries(items: list[Any]) -> tuple[list[Any], bool, bool]:
    r"""Return a pattern's nodes without a \b at either end, and whether there was one at the start and at the end.

    A group around all other nodes is opened: Python returns the group, which is then the whole match.
    """
    boundary = (_constants.AT, _constants.AT_BOUNDARY)
    before = behind = False
    while True:
        if items and items[0] == boundary:
            before, items = True, items[1:]
        elif items and items[-1] == boundary:
            behind, items = True, items[:-1]
        elif len(items) == 1 and items[0][0] is _constants.SUBPATTERN and items[0][1][1:3] == (0, 0):
            items = list(items[0][1][3])
        else:
            return items, before, behind


def _of_words(node: Node, word: Characters, both: bool) -> Expression:
    r"""Return the expression of a pattern of word characters with a \b at either end, which is ASCII only in RE2.

    There is no \b between two word characters: `\b\w\w+\b` takes runs of at least two, and so does `\w{2,}` without \b.
    Any other pattern between two \b takes the runs that it matches as a whole.
    """
    if not all(each.is_within(word) for each in sets_of(node)):
        raise PatternError(r"it has \b next to a character that is not a word character")
    least = _least_of_runs(node, word)
    if least is not None:
        return Expression(f"{word.written()}{{{least},}}", [word])
    if not both:
        raise PatternError(r"it has \b at only one end of a part of a word")
    return Expression(f"{word.written()}+", [word], is_whole=True)


def _least_of_runs(node: Node, word: Characters) -> int | None:
    """Return the minimum length of the runs of word characters that a pattern takes; None if it does not take all."""
    least, open_ended = 0, False
    for part in node.parts if isinstance(node, Sequence) else (node,):
        match part:
            case Characters():
                repeated, low, most = part, 1, 1
            case Repeat(Characters() as repeated, low, most, False):
                pass
            case _:
                return None
        if repeated != word:
            return None
        least, open_ended = least + low, open_ended or most is None
    return least if open_ended else None


def _sequence(items: Any, flags: int) -> Node:
    parts = tuple(_node(kind, said, flags) for kind, said in items)
    return parts[0] if len(parts) == 1 else Sequence(parts)


def _node(kind: Any, said: Any, flags: int) -> Node:
    if kind in ONE:
        return _set((kind, said), flags)
    if kind in REPEATS:
        least, most, inner = said
        part = _sequence(inner, flags)
        if is_nullable(part):
            raise PatternError("it repeats a part that may be empty")
        return Repeat(part, least, None if most is _constants.MAXREPEAT else most, REPEATS[kind])
    if kind is _constants.BRANCH:
        return Choice(tuple(_sequence(each, flags) for each in said[1]))
    if kind is _constants.SUBPATTERN:
        group, added, removed, inner = said
        if group is not None:
            raise PatternError("it has a capturing group, of which Python returns only that part: write (?:…)")
        return _sequence(inner, _compiler._combine_flags(flags, added, removed))
    raise PatternError(REFUSED.get(kind, f"it has {kind}"))


def _set(node: tuple[Any, Any], flags: int) -> Characters:
    """Return the characters that a node matches under the flags, according to Python itself."""
    state = _parser.State()
    state.flags = flags
    once = _parser.SubPattern(state, [node])
    runs = _parser.SubPattern(state, [(_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, once))])
    return characters(_compiler.compile(runs, flags))


def _written(node: Node) -> str:
    """Return a tree in RE2's syntax. Lazy repeats become greedy: a search for the longest match treats them alike."""
    match node:
        case Characters():
            return node.written()
        case Sequence(parts):
            return "".join(map(_written, parts))
        case Choice(parts):
            return f"(?:{'|'.join(map(_written, parts))})"
        case Repeat(part, least, most, _):
            inner = _written(part) if isinstance(part, Characters) else f"(?:{_written(part)})"
            return f"{inner}{{{least},{'' if most is None else most}}}"
