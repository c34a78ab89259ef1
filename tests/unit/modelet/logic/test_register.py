"""Each operator gives what its examples say."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.logic.compiler import Rule
from modelet.logic.errors import LogicError
from modelet.logic.register import OPERATORS
from modelet.logic.values import same
from support.rule_examples import EXAMPLES
from support.rules import VALUES


class Refused(str):
    """The message of an error."""

    __slots__ = ()


CASES = [(name, *case) for name, cases in EXAMPLES.items() for case in cases]


def test_every_operator_has_an_example() -> None:
    assert EXAMPLES.keys() == OPERATORS.keys()


@pytest.mark.parametrize(("name", "rule", "data", "expected"), CASES)
def test_an_operator_gives_what_its_examples_say(name: str, rule: Any, data: Any, expected: Any) -> None:
    assert name in str(rule)
    try:
        made = Rule("rule", rule, 10_000).evaluate(data)
    except LogicError as error:
        made = Refused(error.message)
    if isinstance(made, Refused):
        assert isinstance(expected, str)
        assert expected in made
    else:
        assert same(made, expected), made


FUNCTIONS = [record for record in OPERATORS.values() if record.function is not None]


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FUNCTIONS), st.data())
def test_any_values_give_json_or_an_error(record: Any, data: st.DataObject) -> None:
    most = record.least + 2 if record.most is None else record.most
    values = data.draw(st.lists(VALUES, min_size=record.least, max_size=most))
    rule = {record.name: [{"var": str(place)} for place in range(len(values))]}
    with suppress(LogicError):
        json.dumps(Rule("rule", rule, 5_000).evaluate(values), allow_nan=False)


@pytest.mark.parametrize("record", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_says_how_it_is_used(record: Any) -> None:
    assert record.summary.endswith(".")
    assert (record.arguments == "") is (record.most == 0)
    assert record.most is None or record.least <= record.most
