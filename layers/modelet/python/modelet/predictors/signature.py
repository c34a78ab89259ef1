"""Signatures: which of the offered arguments a function takes by name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from modelet.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

NAMED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def accepted(function: Callable[..., Any], offered: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return the names among `offered` that a function takes, without `self`; all of them for `**kwargs`.

    what: the function's name in errors. Raises StartError if it requires other arguments, or is not an ordinary
    function: what an `async` function or a generator returns is not an answer.
    """
    check_ordinary(function, what)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise StartError(f"{what} has no signature: write it in Python") from None
    taken: list[str] = []
    for each in parameters:
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            taken += [name for name in offered if name not in taken]
        elif each.kind in NAMED and each.name in offered:
            taken.append(each.name)
        elif each.default is inspect.Parameter.empty and each.kind is not inspect.Parameter.VAR_POSITIONAL:
            raise StartError(
                f"{what} requires {each.name}, which there is not: it may take {_listed(offered)}, by these names"
            )
    return tuple(taken)


def count_of(function: Callable[..., Any]) -> int:
    """Return how many positional arguments a function takes; 99 for `*args`."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return 99
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return sum(1 for each in parameters if each.kind in positional)


def check_ordinary(function: Callable[..., Any], what: str) -> None:
    """Raise StartError for a coroutine function or a generator function."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise StartError(
            f"{what} is async, but an environment answers one request at a time: write `def`, not `async def`"
        )
    if inspect.isgeneratorfunction(function):
        raise StartError(f"{what} yields, but answers are not streamed: return the whole answer")


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0] if names else "no arguments"
