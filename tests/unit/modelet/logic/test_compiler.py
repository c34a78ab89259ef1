"""Rules end: with a value, or with an error that says where; and never with more operations than they may use."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from modelet.errors import BundleError
from modelet.logic.compiler import Rule
from modelet.logic.errors import BudgetError, LogicError
from modelet.logic.register import OPERATORS
from support.growth import cpu_seconds
from support.rules import DATA, rules

DETERMINISTIC = tuple(name for name in OPERATORS if name not in {"now", "throw"})
OPERATIONS = 2_000


def evaluated(rule: Any, data: Any, operations: int = OPERATIONS) -> str:
    """The value as JSON text, or the error."""
    try:
        return json.dumps(Rule("rule", rule, operations).evaluate(data), allow_nan=False)
    except LogicError as error:
        return f"{error.place}: {error.message}"


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rules(DETERMINISTIC), DATA)
def test_any_rule_gives_json_or_an_error_with_a_place_and_the_same_each_time(rule: Any, data: Any) -> None:
    before = json.dumps(data)
    made = evaluated(rule, data)
    assert evaluated(rule, data) == made
    assert evaluated(rule, json.loads(before)) == made
    assert json.dumps(data) == before  # the data is as it was
    assert len(made) < 2 * len(before) + len(json.dumps(rule)) + 64 * 12 * OPERATIONS


@pytest.mark.parametrize(
    "rule",
    [
        {"reduce": [{"var": "l"}, {"list": [{"var": "accumulator"}, {"var": "accumulator"}]}, 1]},
        {"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], 1]},
        {"reduce": [{"var": "l"}, {"dict": {"a": {"var": "accumulator"}, "b": {"var": "accumulator"}}}, 1]},
        {"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "ab"]},
        {"reduce": [{"var": "l"}, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]},
        {"reduce": [{"var": "l"}, {"replace": [{"var": "accumulator"}, "a", "aaaa"]}, "a"]},
        {"reduce": [{"var": "l"}, {"with": [{"x": {"var": "accumulator"}}, {"map": [[1, 2], {"var": "x"}]}]}, 1]},
        {"reduce": [{"var": "l"}, {"for": ["x", [1, 2], {"var": "accumulator"}]}, 1]},
        {"reduce": [{"var": "l"}, {"join": [[{"var": "accumulator"}, {"var": "accumulator"}], "-"]}, "ab"]},
        {"with": [{"x": {"var": "big"}}, {"map": [{"var": "l"}, {"var": "x"}]}]},
        {"for": ["x", {"var": "l"}, {"for": ["y", {"var": "l"}, {"for": ["z", {"var": "l"}, 1]}]}]},
        {"for": ["x", {"var": "l"}, {"==": [{"var": "big"}, {"var": "big"}]}]},
        {"for": ["x", {"var": "l"}, {"in": [-1, {"var": "big"}]}]},
        {"for": ["x", {"var": "l"}, {"sort_by": [{"var": "big"}]}]},
        {"for": ["x", {"var": "l"}, {"sample": [{"var": "big"}, 100_000, 1]}]},
        {"for": ["x", {"var": "l"}, {"rand": [{"var": "big"}]}]},
        {"for": ["x", {"var": "l"}, {"max": {"var": "big"}}]},
        {"for": ["x", {"var": "l"}, {"substr": [{"var": "text"}, 1]}]},
        {"for": ["x", {"var": "l"}, {"in": ["y", {"var": "text"}]}]},
        {"for": ["x", {"var": "l"}, {"replace": [{"var": "text"}, "x", "y"]}]},
        {"for": ["x", {"var": "l"}, {"split": [{"var": "text"}, ""]}]},
    ],
)
def test_a_rule_that_grows_or_repeats_without_end_stops_within_its_budget(rule: Any) -> None:
    data = {"l": [0] * 1000, "big": list(range(20_000)), "text": "x" * 200_000}
    compiled = Rule("rule", rule, 100_000)
    tracemalloc.start()
    try:
        with pytest.raises(LogicError) as error:
            compiled.evaluate(data)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "more operations" in error.value.message or "a text of more than 1,000,000" in error.value.message
    assert error.value.place

    def spend(what: Rule) -> None:
        with pytest.raises(LogicError):
            what.evaluate(data)

    # All operations of the budget, each as cheap as one can be.
    cheap = Rule("rule", {"for": ["x", {"var": "l"}, {"for": ["y", {"var": "l"}, 1]}]}, 100_000)
    assert cpu_seconds(lambda: spend(compiled)) < 20 * cpu_seconds(lambda: spend(cheap))
    assert peak < 40_000_000


def test_a_million_steps_need_a_million_operations() -> None:
    rule = {"for": ["x", {"var": "l"}, {"for": ["y", {"var": "l"}, 1]}]}
    with pytest.raises(BudgetError):
        Rule("rule", rule, 1_000_000).evaluate({"l": [0] * 1000})
    assert len(Rule("rule", rule, 5_000_000).evaluate({"l": [0] * 1000})) == 1000


def test_a_value_that_gets_deeper_step_by_step_is_refused() -> None:
    rule = {"reduce": [{"var": "l"}, {"list": [{"var": "accumulator"}]}, 1]}
    with pytest.raises(LogicError, match="nested more than 64 levels deep"):
        Rule("rule", rule, 10_000_000).evaluate({"l": [0] * 5000})


def test_an_error_names_its_place() -> None:
    rule = {"if": [True, {"map": [{"var": "l"}, {"/": [1, {"var": ""}]}]}]}
    with pytest.raises(LogicError) as error:
        Rule("rule", rule, 1000).evaluate({"l": [1, 0]})
    assert error.value.place == ".if[1].map[1]./"


def test_a_rule_that_was_not_checked_is_an_error_of_the_bundle() -> None:
    with pytest.raises(BundleError, match="an operator that there is not"):
        Rule("rule", {"vra": "x"}, 1000)
    deep: Any = {"var": "x"}
    for _ in range(300):
        deep = {"!": [deep]}
    with pytest.raises(BundleError, match="nested too deeply"):
        Rule("rule", deep, 1000)


def test_variables_of_two_evaluations_do_not_mix() -> None:
    rule = Rule("rule", {"with": [{"x": {"var": "a"}}, {"if": [{"var": "x"}, {"var": "x"}, "none"]}]}, 100)
    assert [rule.evaluate({"a": value}) for value in (1, None, 2)] == [1, "none", 2]


def test_a_rule_for_each_member_is_an_object() -> None:
    rule = Rule("rule", {"a": {"var": "x"}, "var": 1}, 100, is_template=True)
    assert rule.evaluate({"x": 5}) == {"a": 5, "var": 1}
