# ruff: noqa: ARG005 - a signature is what is tested
from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from modelet.errors import StartError
from modelet.predictors.signature import accepted, check_ordinary, count_of, taken, takes

OFFERED = ("payload", "query_params", "headers")


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda payload: 0, ("payload",)),
        (lambda: 0, ()),
        (lambda headers, payload: 0, ("headers", "payload")),
        (lambda payload, *, query_params: 0, ("payload", "query_params")),
        (lambda payload, other=1: 0, ("payload",)),
        (lambda payload, *rest: 0, ("payload",)),
        (functools.partial(lambda first, payload: 0, 1), ("payload",)),
    ],
)
def test_arguments_are_taken_by_name(function: Callable[..., Any], names: tuple[str, ...]) -> None:
    assert accepted(function, OFFERED, "predict") == names
    assert set(taken(function, OFFERED)) == set(names)
    assert [name for name in OFFERED if takes(function, name)] == [name for name in OFFERED if name in names]


@pytest.mark.parametrize("function", [lambda data: 0, lambda payload, data: 0, lambda *, data: 0])
def test_other_required_arguments_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(StartError, match=r"predict requires \w+, .*: it may take payload, query_params and headers"):
        accepted(function, OFFERED, "predict")


def test_a_function_of_any_arguments_gets_all() -> None:
    for function in (lambda **rest: 0, lambda headers, **rest: 0):
        assert set(accepted(function, OFFERED, "predict")) == set(OFFERED) == set(taken(function, OFFERED))


def test_a_decorated_function_has_the_arguments_of_the_one_inside() -> None:
    def inside(payload: Any, context: Any = None) -> None: ...

    @functools.wraps(inside)
    def outside(*arguments: Any, **named: Any) -> None: ...

    assert taken(outside, OFFERED) == ("payload",)
    assert count_of(outside) == 2
    assert takes(outside, "context")
    assert not takes(outside, "arguments")


def test_a_methods_own_object_does_not_count() -> None:
    class Handler:
        def handle(self, data: Any, context: Any) -> None: ...

    assert (count_of(Handler.handle), count_of(Handler().handle)) == (3, 2)


def test_functions_that_do_not_return_an_answer_are_refused() -> None:
    async def coroutine(payload: Any) -> None: ...
    async def stream(payload: Any) -> AsyncIterator[int]:
        yield 1

    def generator(payload: Any) -> Iterator[int]:
        yield 1

    for function, said in ((coroutine, "write `def`"), (stream, "write `def`"), (generator, "return the whole answer")):
        with pytest.raises(StartError, match=said):
            check_ordinary(function, "predict")


def test_positional_arguments_are_counted() -> None:
    assert count_of(lambda a, b, c=1, *, d: 0) == 3
    assert count_of(lambda *a: 0) == 99
