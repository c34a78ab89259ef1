"""The operators that go through a list: each is a function that compiles its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.logic.errors import LogicError
from modelet.logic.meter import Frame, size, spend
from modelet.logic.values import shown, truthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.logic.compiler import Compiler, Scope, Step

    Place = tuple[str, ...]
    Control = Callable[[Compiler, list[Any], Scope, Place], Step]


def mapped(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate a rule for each item, which is its data."""
    source, body = compiler.all(arguments, scope, place)

    def run(data: Any, frame: Frame) -> Any:
        made = []
        for item in _items(source(data, frame)):
            value = body(item, frame)
            spend(frame, size(value, frame[0]))
            made.append(value)
        return made

    return run


def filtered(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Keep the items for which a rule holds."""
    source, body = compiler.all(arguments, scope, place)

    def run(data: Any, frame: Frame) -> Any:
        made = []
        for item in _items(source(data, frame)):
            spend(frame, 1)
            if truthy(body(item, frame)):
                spend(frame, size(item, frame[0]))
                made.append(item)
        return made

    return run


def reduced(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate a rule item by item, with its own last value."""
    source, body, start = compiler.all(arguments, scope, place)

    def run(data: Any, frame: Frame) -> Any:
        values = _items(source(data, frame))
        made = start(data, frame)
        for item in values:
            spend(frame, 1)
            made = body({"current": item, "accumulator": made}, frame)
        return made

    return run


def quantified(*, until: bool, found: bool, empty: bool) -> Control:
    """Return an operator that looks for an item for which a rule gives `until`."""

    def control(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
        source, body = compiler.all(arguments, scope, place)

        def run(data: Any, frame: Frame) -> Any:
            values = _items(source(data, frame))
            for item in values:
                spend(frame, 1)
                if truthy(body(item, frame)) is until:
                    return found
            return empty if not values else not found

        return run

    return control


def for_each(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate a rule for each item, which is a local variable."""
    *names, values, rule = arguments
    source = compiler.step(values, scope, (*place, str(len(names))))
    slots = [compiler.new_slot() for _ in names]
    for name, slot in zip(names, slots, strict=True):
        scope = scope.having(name, slot)
    body = compiler.step(rule, scope, (*place, str(len(names) + 1)))

    def run(data: Any, frame: Frame) -> Any:
        made = []
        for index, item in enumerate(_items(source(data, frame))):
            frame[slots[0]] = item
            if len(slots) > 1:
                frame[slots[1]] = index
            value = body(data, frame)
            spend(frame, size(value, frame[0]))
            made.append(value)
        return made

    return run


def _items(value: Any) -> list[Any]:
    """Return a list to go through. Null is not an empty list."""
    if type(value) is not list:
        raise LogicError(f"goes through a list, not {shown(value)}")
    return value


LOOPS: dict[str, Control] = {
    "map": mapped,
    "filter": filtered,
    "reduce": reduced,
    "all": quantified(until=False, found=False, empty=False),
    "some": quantified(until=True, found=True, empty=False),
    "none": quantified(until=True, found=False, empty=True),
    "for": for_each,
}
"""The function that compiles each operator that goes through a list."""
