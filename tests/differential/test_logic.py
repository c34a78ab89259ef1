"""Rules give what datalogic-py gives, which passes the suites of JsonLogic; or an error where that is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import datalogic_py
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.logic.compiler import Rule
from modelet.logic.errors import BudgetError, LogicError
from modelet.logic.values import same
from support.rules import NUMBERS, TEXTS, TOTAL_DATA, rules

OTHER = datalogic_py.Engine(strict_operator_names=True)
SHARED = (
    "var", "if", "and", "or", "??", "switch", "!", "!!", "===", "!==", "<", "<=", ">", ">=",
    "+", "-", "*", "/", "%", "min", "max", "map", "filter", "reduce", "all", "some", "none", "merge", "in", "cat",
    "substr", "lower", "upper", "trim", "split", "starts_with", "ends_with", "length",
    "keys", "values", "abs", "floor", "ceil",
)  # fmt: skip
NUMBER = re.compile(r"[-+.e0-9]+")
"""A part of a number in a text: ours are written as JavaScript writes them, which the other engine does not."""


def ours(rule: Any, data: Any) -> Any:
    return Rule("rule", rule, 100_000).evaluate(data)


def near(one: Any, other: Any) -> bool:
    """Whether two values are the same; the last bit of a number may differ, and how a text writes a large number."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(map(near, one, other))
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return all(near(one[name], other[name]) for name in one)
    numbers = {int, float}
    if type(one) in numbers and type(other) in numbers:
        return bool(one == pytest.approx(other, rel=1e-12, abs=1e-12))
    if isinstance(one, str) and isinstance(other, str):
        return NUMBER.sub("#", one) == NUMBER.sub("#", other)
    return same(one, other)


def theirs(rule: Any, data: Any) -> Any:
    return json.loads(OTHER.compile(json.dumps(rule)).evaluate_metered(json.dumps(data), 1_000_000)[0])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules(SHARED, total=True), TOTAL_DATA)
def test_a_rule_that_gives_a_value_gives_that_of_the_other_engine(rule: Any, data: Any) -> None:
    try:
        made = ours(rule, data)
    except LogicError:
        return
    try:
        expected = theirs(rule, data)
    except datalogic_py.DataLogicError:
        return
    if '"cat"' in json.dumps(rule) and not isinstance(made, str):
        return  # a length or a comparison of a text with a number in it
    assert near(made, expected), (made, expected)


@given(st.one_of(NUMBERS, TEXTS.filter(bool)), st.one_of(NUMBERS, TEXTS.filter(bool)))
def test_numbers_and_texts_are_equal_as_in_the_other_engine(one: Any, other: Any) -> None:
    try:
        expected = theirs({"==": [one, other]}, None)
    except datalogic_py.DataLogicError:  # a text that is not a number beside a number
        expected = False
    assert ours({"==": [one, other]}, None) is expected


@pytest.mark.parametrize(
    ("rule", "data", "expected"),
    [
        ({"*": [1e308, 10]}, {}, None),
        ({"<": [{"var": "age"}, 18]}, {}, True),
        ({"+": [{"var": "count"}, 1]}, {"count": 2**63 - 1}, 2.0**63),
        ({"map": [{"var": "ages"}, 1]}, {}, []),
        ({"cat": [{"var": "name"}, "!"]}, {}, "!"),
    ],
)
def test_what_the_other_engine_answers_in_silence_is_an_error(rule: Any, data: Any, expected: Any) -> None:
    assert theirs(rule, data) == expected
    with pytest.raises(LogicError):
        ours(rule, data)


def test_what_the_other_engine_does_not_count_is_counted() -> None:
    rule, data = {"map": [{"var": "items"}, {"val": [[2], "text"]}]}, {"items": [0] * 1000, "text": "x" * 10_000}
    written, operations = OTHER.compile(rule).evaluate_metered(json.dumps(data), 1_000_000)
    assert (len(written), operations) == (10_003_001, 2_001)
    with pytest.raises(BudgetError):
        ours({"for": ["item", {"var": "items"}, {"var": "text"}]}, data)
