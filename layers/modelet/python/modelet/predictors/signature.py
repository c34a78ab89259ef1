"""Signatures: which of the offered arguments a function takes by name.

`modelet bundle` checks signatures with `inspect`, which takes 2 ms to import. A start reads the names alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

VARARGS, VARKEYWORDS = 0x04, 0x08
"""Flags of a function's code. Source: the module inspect, CO_VARARGS and CO_VARKEYWORDS."""


def accepted(function: Callable[..., Any], offered: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return the names among `offered` that a function takes, without `self`; all of them for `**kwargs`.

    what: the function's name in errors. Raises StartError if it requires other arguments, or is not an ordinary
    function: what an `async` function or a generator returns is not an answer.
    """
    import inspect  # noqa: PLC0415 - not needed by a start

    check_ordinary(function, what)
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise StartError(f"{what} has no signature: write it in Python") from None
    taken: list[str] = []
    for each in parameters:
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            taken += [name for name in offered if name not in taken]
        elif each.name in offered and each.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise StartError(f"{what} takes {each.name} by its place, and it is given by its name: remove the /")
        elif each.kind in named and each.name in offered:
            taken.append(each.name)
        elif each.default is inspect.Parameter.empty and each.kind is not inspect.Parameter.VAR_POSITIONAL:
            raise StartError(
                f"{what} requires {each.name}, which there is not: it may take {_listed(offered)}, by these names"
            )
    return tuple(taken)


def check_takes_some(function: Callable[..., Any], offered: tuple[str, ...], what: str) -> None:
    """Raise StartError if a function takes none of `offered`, but others, which would be for these.

    what: see `accepted`, whose errors it raises too.
    """
    import inspect  # noqa: PLC0415 - not needed by a start

    if accepted(function, offered, what):
        return
    parameters = inspect.signature(function).parameters.values()
    if names := [str(each.replace(annotation=each.empty, default=each.empty)) for each in parameters]:
        raise StartError(f"{what} takes {names[0]}, and gets {_listed(offered)}, by these names: rename it to one")


def check_takes_one(function: Callable[..., Any], what: str) -> None:
    """Raise StartError if a function cannot be called with one argument by its place."""
    import inspect  # noqa: PLC0415 - not needed by a start

    check_ordinary(function, what)
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        raise StartError(f"{what} gets a list of payloads and nothing else, but it has {error}") from None


def taken(function: Callable[..., Any], offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return what `accepted` returns, for a function that it has accepted before."""
    code = _code(function)
    if code is None or code.co_flags & VARKEYWORDS:
        return accepted(function, offered, "the function")
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return tuple([name for name in offered if name in names])


def takes(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function takes an argument of this name."""
    code = _code(function)
    if code is not None:
        return name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    import inspect  # noqa: PLC0415 - for few functions

    return name in inspect.signature(function).parameters


def _code(function: Any) -> CodeType | None:
    """Return the code of a function or a method whose own signature is that of its code; None for others."""
    if hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return None
    code: CodeType | None = getattr(function, "__code__", None)  # a method has that of its function
    return code


def count_of(function: Callable[..., Any]) -> int:
    """Return how many positional arguments a function takes; 99 for `*args`."""
    if (code := _code(function)) is not None:
        return 99 if code.co_flags & VARARGS else code.co_argcount - hasattr(function, "__self__")
    import inspect  # noqa: PLC0415 - for few functions

    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return 99
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return sum(1 for each in parameters if each.kind in positional)


def check_ordinary(function: Callable[..., Any], what: str) -> None:
    """Raise StartError for a coroutine function or a generator function."""
    import inspect  # noqa: PLC0415 - not needed by a start

    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise StartError(
            f"{what} is async, but an environment answers one request at a time: write `def`, not `async def`"
        )
    if inspect.isgeneratorfunction(function):
        raise StartError(f"{what} yields, but answers are not streamed: return the whole answer")


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0] if names else "no arguments"
