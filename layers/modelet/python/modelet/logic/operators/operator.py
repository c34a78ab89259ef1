"""The record of an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ANY, NUMBER, TEXT, BOOLEAN, LIST, OBJECT, NULL = "any", "number", "text", "boolean", "list", "object", "null"


class Operator(NamedTuple):
    """One operator: plain data, which compiling, checking and the documentation share.

    name: as in a rule. arguments: their documentation, `name: kind`, with `…` after one that may be repeated. least,
    most: the number of arguments; None for any number. takes: the kinds of the arguments that are certain, the last for
    all further ones; several are joined by `|`. gives: the kind of the result. function: for operators that see values
    only; None for those that the compiler knows. reads: whether the arguments are charged with all that is inside them,
    because the function compares or copies it. makes: whether the result is charged with all that is inside it.
    """

    name: str
    arguments: str
    least: int
    most: int | None
    takes: tuple[str, ...]
    gives: str
    summary: str
    function: Callable[..., Any] | None = None
    reads: bool = False
    makes: bool = False
    needs_clock: bool = False
