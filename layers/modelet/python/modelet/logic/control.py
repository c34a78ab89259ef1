"""The operators that decide what is evaluated: each is a function that compiles its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.logic.errors import LogicError
from modelet.logic.loops import LOOPS
from modelet.logic.meter import CHARACTERS, Frame, size, spend
from modelet.logic.operators.collections import dictionary
from modelet.logic.operators.operator import ANY
from modelet.logic.register import OPERATORS
from modelet.logic.values import MISSING, find, integer, items, path_of, same, text, truthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.logic.compiler import Compiler, Scope, Step

    Place = tuple[str, ...]


def var(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Read a value from the data or a local variable."""
    path = path_of(arguments[0] if arguments else None)
    default = compiler.step(arguments[1], scope, (*place, "1")) if len(arguments) > 1 else None
    slot = scope.slots.get(path[0]) if path else None
    if slot is not None:
        path = path[1:]
    only = path[0] if len(path) == 1 and slot is None else None

    def run(data: Any, frame: Frame) -> Any:
        spend(frame, 1)
        if only is not None and type(data) is dict:
            found = data.get(only, MISSING)
        else:
            found = find(data if slot is None else frame[slot], path)
        if found is not MISSING:
            return found
        return None if default is None else default(data, frame)

    return run


def _is_missing(data: Any, path: Any) -> bool:
    found = find(data, path_of(path))
    return found is MISSING or found is None or found == ""


def missing(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Name the paths without a value."""
    steps = compiler.all(arguments, scope, place)

    def run(data: Any, frame: Frame) -> Any:
        values = [step(data, frame) for step in steps]
        paths = values[0] if len(values) == 1 and type(values[0]) is list else values
        spend(frame, size(paths, frame[0]))
        return [path for path in paths if _is_missing(data, path)]

    return run


def missing_some(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Name the paths without a value, unless enough of them have one."""
    least, among = compiler.all(arguments, scope, place)

    def run(data: Any, frame: Frame) -> Any:
        count, paths = integer(least(data, frame), 0), items(among(data, frame))
        spend(frame, size(paths, frame[0]))
        absent = [path for path in paths if _is_missing(data, path)]
        return [] if len(paths) - len(absent) >= count else absent

    return run


def choose(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate the branch of the first condition that holds."""
    steps = compiler.all(arguments, scope, place)
    pairs = list(zip(steps[::2], steps[1::2], strict=False))
    otherwise = steps[-1] if len(steps) % 2 else None

    def run(data: Any, frame: Frame) -> Any:
        for condition, then in pairs:
            spend(frame, 1)
            if truthy(condition(data, frame)):
                return then(data, frame)
        return None if otherwise is None else otherwise(data, frame)

    return run


def switch(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate the branch of the first case that is the same as a value."""
    value = compiler.step(arguments[0], scope, (*place, "0"))
    cases = [compiler.all(list(case), scope, (*place, "1", str(index))) for index, case in enumerate(arguments[1])]
    otherwise = compiler.step(arguments[2], scope, (*place, "2")) if len(arguments) > 2 else None

    def run(data: Any, frame: Frame) -> Any:
        given = value(data, frame)
        for case, then in cases:
            wanted = case(data, frame)
            spend(frame, size(wanted, frame[0]))
            if same(given, wanted):
                return then(data, frame)
        return None if otherwise is None else otherwise(data, frame)

    return run


def _first(stops: Callable[[Any], bool]) -> Control:
    """Return an operator that evaluates its arguments up to the first that stops it, and gives that or the last one."""

    def control(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
        steps = compiler.all(arguments, scope, place)

        def run(data: Any, frame: Frame) -> Any:
            value = None
            for step in steps:
                spend(frame, 1)
                value = step(data, frame)
                if stops(value):
                    break
            return value

        return run

    return control


def with_variables(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Evaluate a rule with local variables."""
    bound = []
    for name, rule in arguments[0].items():
        step = compiler.step(rule, scope, (*place, "0", name))
        slot = compiler.new_slot()
        scope = scope.having(name, slot)
        bound.append((slot, step))
    body = compiler.step(arguments[1], scope, (*place, "1"))

    def run(data: Any, frame: Frame) -> Any:
        for slot, step in bound:
            spend(frame, 1)
            frame[slot] = step(data, frame)
        return body(data, frame)

    return run


def objects(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Make an object from rules, or from pairs."""
    given = arguments[0]
    if type(given) is dict and not is_call(given):
        return template(compiler, given, scope, place)
    pairs = compiler.step(given, scope, (*place, "0"))

    def run(data: Any, frame: Frame) -> Any:
        values = pairs(data, frame)
        made = dictionary(values)
        spend(frame, size(made, frame[0]))
        return made

    return run


def template(compiler: Compiler, rules: dict[str, Any], scope: Scope, place: Place) -> Step:
    """Compile an object with a rule for each member."""
    steps = [(name, compiler.step(rule, scope, (*place, name)), is_new(rule)) for name, rule in rules.items()]
    cost = 1 + len(rules) + sum(map(len, rules)) // CHARACTERS

    def run(data: Any, frame: Frame) -> Any:
        spend(frame, cost)
        made = {}
        for name, step, new in steps:
            value = made[name] = step(data, frame)
            if not new:
                frame[0] -= size(value, frame[0])
        return made

    return run


def listing(compiler: Compiler, rules: list[Any], scope: Scope, place: Place) -> Step:
    """Compile a list of rules."""
    steps = [(compiler.step(rule, scope, (*place, str(index))), is_new(rule)) for index, rule in enumerate(rules)]
    cost = 1 + len(rules)

    def run(data: Any, frame: Frame) -> Any:
        spend(frame, cost)
        made = []
        for step, new in steps:
            value = step(data, frame)
            made.append(value)
            if not new:
                frame[0] -= size(value, frame[0])
        return made

    return run


def is_new(rule: Any) -> bool:
    """Return whether a part of a rule gives a value that is its own, and is paid for: it cannot be part of another."""
    if type(rule) is list:
        return any(type(part) is dict for part in rule)
    return type(rule) is not dict or OPERATORS[next(iter(rule))].gives != ANY


def throw(compiler: Compiler, arguments: list[Any], scope: Scope, place: Place) -> Step:
    """Refuse the row."""
    message = compiler.step(arguments[0], scope, (*place, "0"))

    def run(data: Any, frame: Frame) -> Any:
        said = text(message(data, frame))
        raise LogicError(said[:MAX_MESSAGE])

    return run


MAX_MESSAGE = 300
"""The most characters of a message that a rule throws."""


def is_call(given: dict[str, Any]) -> bool:
    """Return whether an object is a call of an operator, not a template."""
    return len(given) == 1 and next(iter(given)) in OPERATORS


if TYPE_CHECKING:
    Control = Callable[[Compiler, list[Any], Scope, Place], Step]

CONTROL: dict[str, Control] = {
    "var": var,
    "missing": missing,
    "missing_some": missing_some,
    "if": choose,
    "?:": choose,
    "switch": switch,
    "and": _first(lambda value: not truthy(value)),
    "or": _first(truthy),
    "??": _first(lambda value: value is not None),
    "with": with_variables,
    **LOOPS,
    "list": listing,
    "dict": objects,
    "throw": throw,
}
"""The function that compiles each operator of control."""
