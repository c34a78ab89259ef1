"""Check a rule recursively: its operators, their arguments, its variables, and the kinds of values that are certain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.dev.bundle.logic.constants import REFUSED, is_constant
from modelet.dev.bundle.logic.shape import ANY, Shape, common, member, never_same, of_value
from modelet.dev.project.messages import nearest, quoted
from modelet.logic.compiler import Rule, has_rules, shown_place
from modelet.logic.control import is_call
from modelet.logic.errors import LogicError
from modelet.logic.register import OPERATORS
from modelet.logic.values import MAX_DIGITS, NUMERIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.logic.operators.operator import Operator

    Place = tuple[str, ...]

CONSTANT_OPERATIONS = 100_000
"""The most operations for a part of a rule that has no variables."""


class Problem(NamedTuple):
    """What is wrong, and where in the rule."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{shown_place(self.place)}: {self.message}"


class Scope(NamedTuple):
    """What a part of a rule may read: its data, and its local variables."""

    data: Shape
    variables: Mapping[str, Shape]
    clock: bool = False


class Checker:
    """Check one rule. problems: what was found, in the order of the rule."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def rule(self, rule: Any, scope: Scope, place: Place) -> Shape:
        """Check a part of a rule, and return what is certain of its value."""
        if type(rule) is list:
            shapes = [self.rule(each, scope, (*place, str(index))) for index, each in enumerate(rule)]
            return Shape("list", None, common(shapes) if shapes else None)
        if type(rule) is not dict:
            return of_value(rule)
        if len(rule) != 1:
            said = "an empty object" if not rule else f"an object with the names {', '.join(list(rule)[:4])}"
            return self._wrong(place, f"{said} does not call an operator: write {{dict: …}} for an object")
        before = len(self.problems)
        made = self._call(*next(iter(rule.items())), scope, place)
        if len(self.problems) == before and is_constant(rule):
            self._try(rule, (*place, *rule))
        return made

    def _call(self, name: str, given: Any, scope: Scope, place: Place) -> Shape:
        record = OPERATORS.get(name)
        if record is None:
            near = nearest(name, OPERATORS)
            why = REFUSED.get(name) or (f"did you mean {near}?" if near else "docs/logic.md lists the operators")
            return self._wrong(place, f"unknown operator {quoted(name)}: {why}; write {{dict: …}} for an object")
        here = (*place, name)
        if record.needs_clock and not scope.clock:
            return self._wrong(here, f"{name} gives another answer each time: set logic.clock: true to allow it")
        arguments = given if type(given) is list else [given]
        if not self._counts(record, arguments, here):
            return ANY
        control = getattr(self, f"_{_METHODS.get(name, 'function')}")
        made: Shape = control(record, arguments, scope, here)
        return made

    def _wrong(self, place: Place, message: str) -> Shape:
        self.problems.append(Problem(place, message))
        return ANY

    def _counts(self, record: Operator, arguments: list[Any], place: Place) -> bool:
        count, least, most = len(arguments), record.least, record.most
        if count >= least and (most is None or count <= most):
            return True
        wanted = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        self._wrong(
            place, f"has {count} argument{'s' * (count != 1)}, but takes {wanted}: {record.arguments or 'none'}"
        )
        return False

    def _try(self, rule: Any, place: Place) -> None:
        """Evaluate a part without variables once, because it would fail in the same way in each request."""
        try:
            Rule("", rule, CONSTANT_OPERATIONS).evaluate(None)
        except LogicError as error:
            self._wrong(place, f"always fails, because it has no variables: {error.message}")

    def _all(self, arguments: list[Any], scope: Scope, place: Place) -> list[Shape]:
        return [self.rule(each, scope, (*place, str(index))) for index, each in enumerate(arguments)]

    def _function(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        shapes = self._all(arguments, scope, place)
        for index, (argument, shape) in enumerate(zip(arguments, shapes, strict=True)):
            self._takes(record, index, argument, shape, place)
        if record.name in {"===", "!=="} and never_same(*shapes):
            self._wrong(place, f"compares {shapes[0].kind} with {shapes[1].kind}, which are never the same: use ==")
        return Shape(record.gives)

    def _takes(self, record: Operator, index: int, argument: Any, shape: Shape, place: Place) -> None:
        if not record.takes:
            return
        kinds = record.takes[min(index, len(record.takes) - 1)].split("|")
        if "numeral" in kinds and shape.kind == "text":
            if type(argument) is not str or (len(argument) < MAX_DIGITS and NUMERIC.fullmatch(argument)):
                return
        elif shape.kind in {"any", *kinds} or "any" in kinds:
            return
        wanted = " or ".join(kind for kind in kinds if kind != "numeral")
        said = "" if has_rules(argument) or shape.kind in {"list", "object", "null"} else f" {quoted(argument)}"
        self._wrong((*place, str(index)), f"needs {wanted}, not {shape.kind}{said}")

    def _var(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        path, *default = arguments
        found = self._path(path, scope, place)
        if not default:
            return found
        other = self.rule(default[0], scope, (*place, "1"))
        return common([found._replace(nullable=False), other])

    def _path(self, path: Any, scope: Scope, place: Place) -> Shape:
        """Check a path, and return what is certain of the value there."""
        if type(path) is int and path >= 0:
            path = str(path)
        if path is not None and type(path) is not str:
            return self._wrong(place, "the path is not a text: use `get` for a path that is computed")
        names = path.split(".") if path else []
        if not all(names):
            return self._wrong(place, f"the path {quoted(path)} has an empty name: write names with dots between them")
        shape = scope.data
        if names and names[0] in scope.variables:
            shape, names = scope.variables[names[0]], names[1:]
        nullable = False
        for name in names:
            nullable = nullable or shape.nullable or shape.kind == "list"
            found = member(shape, name, scope.variables)
            if isinstance(found, str):
                return self._wrong(place, f"there is no {quoted(path)} in the data here: {found}")
            shape = found
        return shape._replace(nullable=shape.nullable or nullable)

    def _missing(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        self._paths(arguments[0] if len(arguments) == 1 and type(arguments[0]) is list else arguments, scope, place)
        return Shape("list", None, Shape("text"))

    def _missing_some(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        if type(arguments[0]) is not int or arguments[0] < 0:
            return self._wrong((*place, "0"), "is not a whole number of paths: write one, such as 1")
        if type(arguments[1]) is not list:
            return self._wrong((*place, "1"), "is not a list of paths: write one")
        self._paths(arguments[1], scope, place)
        return Shape("list", None, Shape("text"))

    def _paths(self, paths: list[Any], scope: Scope, place: Place) -> None:
        for path in paths:
            if type(path) is str and path.split(".")[0] in scope.variables:
                self._wrong(place, f"{quoted(path)} is a local variable, which is never missing: write var")
            else:
                self._path(path, scope._replace(variables={}), place)

    def _if(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        shapes = self._all(arguments, scope, place)
        results = shapes[1::2] + (shapes[-1:] if len(shapes) % 2 else [Shape("null")])
        return common(results)

    def _any(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        return common(self._all(arguments, scope, place))

    def _coalesce(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        shapes = self._all(arguments, scope, place)
        return common([*(shape._replace(nullable=False) for shape in shapes[:-1]), shapes[-1]])

    def _switch(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        self.rule(arguments[0], scope, (*place, "0"))
        cases = arguments[1]
        if type(cases) is not list or not all(type(case) is list and len(case) == 2 for case in cases):
            return self._wrong((*place, "1"), "is not a list of cases: write [[value, then], …]")
        results = [self._all(case, scope, (*place, "1", str(index)))[1] for index, case in enumerate(cases)]
        results += [self.rule(arguments[2], scope, (*place, "2"))] if len(arguments) > 2 else [Shape("null")]
        return common(results)

    def _list_of(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        """Check the list that an operator goes through, and return its shape."""
        shape = self.rule(arguments[0], scope, (*place, "0"))
        self._takes(record, 0, arguments[0], shape, place)
        return shape

    def _through(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        source = self._list_of(record, arguments, scope, place)
        body = self.rule(arguments[1], scope._replace(data=source.item), (*place, "1"))
        if record.name == "map":
            return Shape("list", None, body)
        return source if record.name == "filter" else Shape("boolean")

    def _reduce(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        source = self._list_of(record, arguments, scope, place)
        start = self.rule(arguments[2], scope, (*place, "2"))
        data = Shape("object", {"current": source.item, "accumulator": ANY})
        body = self.rule(arguments[1], scope._replace(data=data), (*place, "1"))
        return common([start, body])

    def _with(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        rules = arguments[0]
        if type(rules) is not dict or not rules:
            return self._wrong((*place, "0"), "is not an object of variables: write {name: rule}")
        for name, rule in rules.items():
            shape = self.rule(rule, scope, (*place, "0", name))
            scope = self._having(name, shape, scope, place)
        return self.rule(arguments[1], scope, (*place, "1"))

    def _for(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        *names, values, rule = arguments
        source = self.rule(values, scope, (*place, str(len(names))))
        if source.kind not in {"any", "list"}:
            self._wrong((*place, str(len(names))), f"needs a list, not {source.kind}")
        for name, shape in zip(names, (source.item, Shape("number")), strict=False):
            if type(name) is not str:
                return self._wrong(place, f"{quoted(name)} is not the name of a variable: {record.arguments}")
            scope = self._having(name, shape, scope, place)
        return Shape("list", None, self.rule(rule, scope, (*place, str(len(names) + 1))))

    def _having(self, name: str, shape: Shape, scope: Scope, place: Place) -> Scope:
        """Return the scope with one more variable, whose name must not hide another value."""
        fields = scope.data.fields or {}
        if not name.isidentifier():
            self._wrong(place, f"{quoted(name)} is not a name for a variable: use letters, digits and _")
        elif name in fields or name in scope.variables:
            self._wrong(place, f"the variable {quoted(name)} hides another value of this name: use another one")
        return scope._replace(variables={**scope.variables, name: shape})

    def _dict(self, _record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        if len(arguments) == 1 and type(arguments[0]) is dict and not is_call(arguments[0]):
            return self.template(arguments[0], scope, place)
        shape = self.rule(arguments[0], scope, (*place, "0"))
        if shape.kind not in {"any", "list"}:
            self._wrong((*place, "0"), f"needs an object of rules, or a list of pairs, not {shape.kind}")
        return Shape("object")

    def template(self, rules: dict[str, Any], scope: Scope, place: Place) -> Shape:
        """Check an object with a rule for each member."""
        return Shape("object", {name: self.rule(rule, scope, (*place, name)) for name, rule in rules.items()})

    def _throw(self, record: Operator, arguments: list[Any], scope: Scope, place: Place) -> Shape:
        self._function(record, arguments, scope, place)
        return ANY


_METHODS = {
    "var": "var",
    "missing": "missing",
    "missing_some": "missing_some",
    "if": "if",
    "?:": "if",
    "and": "any",
    "or": "any",
    "??": "coalesce",
    "switch": "switch",
    "map": "through",
    "filter": "through",
    "all": "through",
    "some": "through",
    "none": "through",
    "reduce": "reduce",
    "with": "with",
    "for": "for",
    "dict": "dict",
    "throw": "throw",
}
"""The method that checks an operator; `_function` checks the others."""
