"""Compile rules to functions. `modelet bundle` has checked them; a rule that was not is an error of the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.errors import BundleError
from modelet.logic.control import CONTROL, listing, template
from modelet.logic.errors import LogicError
from modelet.logic.meter import EXCEEDED, Frame, shallow, size
from modelet.logic.register import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelet.logic.operators.operator import Operator

    Step = Callable[[Any, Frame], Any]

MAX_DEPTH = 100
"""The deepest nesting of a rule."""


QUIET = frozenset({"var", "if", "?:", "and", "or", "??"})
"""Operators that do not fail themselves, but for their budget."""


class Rule:
    """A compiled rule.

    operations: the most of one evaluation. is_template: whether it is an object with a rule for each member.
    """

    __slots__ = ("_operations", "_slots", "_step", "name")

    def __init__(self, name: str, rule: Any, operations: int, *, is_template: bool = False) -> None:
        compiler = Compiler()
        self.name = name
        self._step = (template if is_template else Compiler.step)(compiler, rule, Scope({}), ())
        self._slots = compiler.slots
        self._operations = operations

    def evaluate(self, data: Any) -> Any:
        """Return the rule's value for some data. Raises LogicError if the rule cannot work with it."""
        frame: Frame = [self._operations, *([None] * self._slots)]
        return self._step(data, frame)


class Scope:
    """The local variables of a place in a rule: the slot of each by its name."""

    __slots__ = ("slots",)

    def __init__(self, slots: Mapping[str, int]) -> None:
        self.slots = slots

    def having(self, name: str, slot: int) -> Scope:
        """Return the scope with one more variable."""
        return Scope({**self.slots, name: slot})


class Compiler:
    """Compile one rule. slots: the local variables that it needs."""

    def __init__(self) -> None:
        self.slots = 0

    def new_slot(self) -> int:
        """Return the place of a new local variable in the frame."""
        self.slots += 1
        return self.slots

    def step(self, rule: Any, scope: Scope, place: tuple[str, ...]) -> Step:
        """Compile a rule, or a part of it. place: its path."""
        if len(place) > 2 * MAX_DEPTH:
            raise BundleError("a rule of bundle.json is nested too deeply: run `modelet bundle`")
        if type(rule) is list and any(map(has_rules, rule)):
            return placed(listing(self, rule, scope, place), place)
        if type(rule) is not dict:
            return lambda _data, _frame: rule
        if len(rule) != 1 or next(iter(rule)) not in OPERATORS:
            raise BundleError("bundle.json has a rule with an operator that there is not: run `modelet bundle`")
        name, given = next(iter(rule.items()))
        arguments = given if type(given) is list else [given]
        here = (*place, name)
        if control := CONTROL.get(name):
            step = control(self, arguments, scope, here)
            return step if name in QUIET else placed(step, here)
        return self._function(OPERATORS[name], self.all(arguments, scope, here), here)

    def all(self, arguments: list[Any], scope: Scope, place: tuple[str, ...]) -> list[Step]:
        """Compile the arguments of an operator."""
        return [self.step(each, scope, (*place, str(index))) for index, each in enumerate(arguments)]

    def _function(self, record: Operator, steps: list[Step], place: tuple[str, ...]) -> Step:
        function, reads, makes = record.function, record.reads, record.makes
        if function is None:
            raise BundleError(f"the operator {record.name} has no function")
        if not reads and not makes and len(steps) in _PLAIN:
            return placed(_PLAIN[len(steps)](function, *steps), place)

        def run(data: Any, frame: Frame) -> Any:
            values = [step(data, frame) for step in steps]
            if reads:
                for value in values:
                    frame[0] -= size(value, frame[0])
            else:
                frame[0] -= 1 + shallow(values)
            if frame[0] < 0:
                raise _exceeded()
            made = function(*values)
            if makes:
                frame[0] -= size(made, frame[0])
                if frame[0] < 0:
                    raise _exceeded()
            return made

        return placed(run, place)


def _one(function: Callable[..., Any], first: Step) -> Step:
    def run(data: Any, frame: Frame) -> Any:
        value = first(data, frame)
        frame[0] -= 1 if type(value) not in _SIZED else 1 + shallow([value])
        if frame[0] < 0:
            raise _exceeded()
        return function(value)

    return run


def _two(function: Callable[..., Any], first: Step, second: Step) -> Step:
    def run(data: Any, frame: Frame) -> Any:
        one, other = first(data, frame), second(data, frame)
        frame[0] -= 1 if type(one) not in _SIZED and type(other) not in _SIZED else 1 + shallow([one, other])
        if frame[0] < 0:
            raise _exceeded()
        return function(one, other)

    return run


_SIZED = frozenset({str, list, dict})
_PLAIN: dict[int, Callable[..., Step]] = {1: _one, 2: _two}


def _exceeded() -> LogicError:
    from modelet.logic.errors import BudgetError  # noqa: PLC0415 - few rules exceed their budget

    return BudgetError(EXCEEDED)


def placed(step: Step, place: tuple[str, ...]) -> Step:
    """Return a step whose errors name its place in the rule."""

    def run(data: Any, frame: Frame) -> Any:
        try:
            return step(data, frame)
        except LogicError as error:
            if not error.place:
                error.place = shown_place(place)
            raise

    return run


def shown_place(place: tuple[str, ...]) -> str:
    """Return the path of a part of a rule, such as `.if[0].<`."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in place)


def has_rules(rule: Any) -> bool:
    """Return whether a part of a rule has operators in it, so that it is not a constant."""
    return type(rule) is dict or (type(rule) is list and any(map(has_rules, rule)))
