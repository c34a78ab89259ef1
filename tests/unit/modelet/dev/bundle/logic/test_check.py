"""Checking finds what cannot work anywhere in a rule, and nothing in rules that can."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelet.dev.bundle.logic.check import Checker, Scope
from modelet.dev.bundle.logic.shape import ANY, Shape
from modelet.logic.compiler import Rule
from modelet.logic.errors import LogicError
from modelet.logic.register import OPERATORS
from support.rule_examples import EXAMPLES
from support.rules import DATA, rules

ROW = Shape(
    "object",
    {
        "age": Shape("number"),
        "city": Shape("text", nullable=True),
        "tags": Shape("list"),
        "people": Shape("list", None, Shape("object", {"name": Shape("text")})),
        "more": ANY,
    },
)


def problems(rule: Any, data: Shape = ROW, *, clock: bool = False) -> list[str]:
    checker = Checker()
    checker.rule(rule, Scope(data, {}, clock), ())
    return [str(each) for each in checker.problems]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"vra": "age"}, ": unknown operator 'vra': did you mean var?"),
        ({"if": [1, {"map": [{"var": "tags"}, {"upprcase": [1]}]}]}, ".if[1].map[1]: unknown operator 'upprcase'"),
        ({"try": [1, 2]}, "an error in a rule is never hidden"),
        ({"now": []}, ".now: now gives another answer each time: set logic.clock: true"),
        ({"a": 1, "b": 2}, ": an object with the names a, b does not call an operator: write {dict: …}"),
        ({}, "an empty object does not call an operator"),
        ({"substr": ["x"]}, ".substr: has 1 argument, but takes 2 to 3: text, start: integer, length: integer"),
        ({"==": [1, 2, 3]}, "has 3 arguments, but takes 2"),
        ({"softmax": [1, 2]}, "has 2 arguments, but takes 1: numbers: list"),
        ({"var": "aeg"}, ".var: there is no 'aeg' in the data here: did you mean age?"),
        ({"var": "age.x"}, "there is no 'age.x' in the data here: a number has no members"),
        ({"var": "people.name"}, "'name' is not the index of a list"),
        ({"var": "people.0.nme"}, "did you mean name?"),
        ({"var": {"cat": ["a", "ge"]}}, "the path is not a text: use `get`"),
        ({"var": "a..b"}, "has an empty name"),
        ({"map": [{"var": "people"}, {"var": "age"}]}, ".map[1].var: there is no 'age' in the data here"),
        ({"map": [{"var": "age"}, 1]}, ".map[0]: needs list, not number"),
        ({"filter": [{"var": "people"}, {">": [{"var": "name.x"}, 1]}]}, "a text has no members"),
        ({"reduce": [{"var": "tags"}, {"+": [{"var": "accumulater"}, 1]}, 0]}, "did you mean accumulator?"),
        ({"with": [{"x": {"var": "age"}}, {"var": "y"}]}, "there is no 'y' in the data here"),
        ({"with": [{"age": 1}, {"var": "age"}]}, "the variable 'age' hides another value of this name"),
        ({"with": [{"a b": 1}, 2]}, "is not a name for a variable"),
        ({"with": [[1], 2]}, "is not an object of variables"),
        ({"for": ["x", {"var": "people"}, {"var": "x.nme"}]}, "did you mean name?"),
        ({"for": [{"var": "age"}, {"var": "people"}, 1]}, "is not the name of a variable"),
        ({"missing": ["aeg"]}, "did you mean age?"),
        ({"missing_some": ["x", ["age"]]}, "is not a whole number of paths"),
        ({"switch": [{"var": "age"}, {"x": 1}]}, "is not a list of cases: write [[value, then], …]"),
        ({"+": [{"var": "age"}, "x"]}, ".+[1]: needs number or list, not text 'x'"),
        ({"cat": [{"var": "tags"}]}, ".cat[0]: needs text or number or boolean, not list"),
        ({"upper": [{"var": "age"}]}, ".upper[0]: needs text, not number"),
        ({"upper": [{"+": [{"var": "age"}, 1]}]}, "needs text, not number"),
        ({"<": [{"var": "age"}, None]}, "needs number or text, not null"),
        ({"===": [{"var": "age"}, "5"]}, "compares number with text, which are never the same: use =="),
        ({"if": [1, {"/": [1, 0]}]}, ".if[1]./: always fails, because it has no variables: divides by zero"),
        ({"round": [{"round": [2.5, 99]}]}, ".round[0].round: always fails"),
        ({"format_date": ["2026-01-01T00:00Z", "%Q"]}, "always fails"),
        ({"reduce": [{"sample": [[1], 1, 1]}, {"pow": [9, 999]}, 1]}, "always fails"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named_with_its_place_and_the_remedy(rule: Any, said: str) -> None:
    found = problems(rule)
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    "rule",
    [
        {"if": [{"<": [{"var": "age"}, 18]}, "young", {"??": [{"var": "city"}, "none"]}]},
        {"map": [{"var": "people"}, {"upper": [{"var": "name"}]}]},
        {"map": [{"var": "tags"}, {"var": "anything.at.all"}]},
        {"var": "more.of.this"},
        {"reduce": [{"var": "people"}, {"cat": [{"var": "accumulator"}, {"var": "current.name"}]}, ""]},
        {"for": ["p", "i", {"var": "people"}, {"dict": {"name": {"var": "p.name"}, "age": {"var": "age"}}}]},
        {"with": [{"x": {"var": "age"}, "y": {"+": [{"var": "x"}, 1]}}, {"var": "y"}]},
        {"dict": {"items": [{"dict": {"id": 1}}]}},
        {"dict": {"map": [{"var": "people"}, [{"var": "name"}, 1]]}},
        {"if": [{"!": [{"var": "city"}]}, {"throw": "a city is needed"}, 1]},
        {"+": ["1.5", {"var": "age"}]},
        {"missing": [["age", "city"]]},
    ],
)
def test_a_rule_that_can_work_has_no_problem(rule: Any) -> None:
    assert problems(rule) == []


def test_now_is_allowed_with_a_clock() -> None:
    assert problems({"format_date": [{"now": []}, "%Y"]}, clock=True) == []


@pytest.mark.parametrize("rule", [rule for cases in EXAMPLES.values() for rule, _, _ in cases], ids=str)
def test_examples_with_variables_have_no_certain_problem(rule: Any) -> None:
    assert [each for each in problems(rule, ANY, clock=True) if "always fails" not in each] == []


def paths(rule: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in a rule where another rule may stand."""
    found = [place]
    if isinstance(rule, list):
        found += [each for index, part in enumerate(rule) for each in paths(part, (*place, index))]
    elif isinstance(rule, dict):
        name, given = next(iter(rule.items()))
        if name in {"var", "missing", "missing_some", "with", "for", "dict", "switch"}:
            return found
        parts = given if isinstance(given, list) else [given]
        found += [each for index, part in enumerate(parts) for each in paths(part, (*place, name, index))]
    return found


def replaced(rule: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    if isinstance(rule, list):
        return [replaced(part, place[1:], by) if index == place[0] else part for index, part in enumerate(rule)]
    name, index, *rest = place
    return {name: [replaced(part, tuple(rest), by) if at == index else part for at, part in enumerate(rule[name])]}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules(), st.data())
def test_an_unknown_operator_at_any_depth_is_found(rule: Any, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(paths(rule)))
    mutated = replaced(rule, place, {"vra": "x"})
    assert any("unknown operator 'vra'" in each for each in problems(mutated, ANY))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules(tuple(name for name in OPERATORS if name != "now")), DATA)
def test_a_rule_without_problems_compiles_and_ends(rule: Any, data: Any) -> None:
    assume(not problems(rule, ANY))
    try:
        Rule("rule", rule, 2_000).evaluate(data)
    except LogicError as error:
        assert error.place  # noqa: PT017 - either outcome is allowed
