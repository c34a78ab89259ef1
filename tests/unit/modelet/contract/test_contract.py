"""The contract: what it accepts, how it names what it does not, and what it lets out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Annotated, Any, Literal, Union

import numpy as np
import pytest
from annotated_types import Ge, Len
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, computed_field
from typing_extensions import TypedDict

from modelet.contract.contract import Checked, Contract
from modelet.contract.schema import tighten, to_json
from modelet.dev.bundle.core_schema import compile_type
from modelet.errors import ContractError, MalformedBodyError, PredictionError, TooLargeError
from modelet.violation import MAX_PROBLEMS, RESPONSE_LIMIT, Violation


class Point(TypedDict):
    name: Annotated[str, Len(1, 5)]
    x: float


class Tree(TypedDict):
    children: list[Tree]


class Label(TypedDict):
    label: Literal["low", "high"]
    probability: Annotated[float, Ge(0)]


def core(kind: Any, *, returned: bool = False) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def contract(instance: Any = Point, prediction: Any = Label) -> Contract:
    return Contract(core(instance), core(prediction, returned=True))


def rows(*instances: Any) -> bytes:
    return json.dumps({"instances": instances}).encode()


GOOD = {"name": "a", "x": 1.5}


def test_an_envelope_that_is_right_is_read_in_one_pass() -> None:
    checked = contract().check_envelope(rows(GOOD, {"name": "b", "x": 2}))
    assert checked is not None
    assert checked.instances == [GOOD, {"name": "b", "x": 2.0}]
    assert checked.total == 2


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", rows({"name": "", "x": 1}), b'{"instances": [], "more": 1}', json.dumps(GOOD).encode()]
)
def test_an_envelope_that_is_wrong_anywhere_is_left_to_the_second_look(body: bytes) -> None:
    assert contract().check_envelope(body) is None


def test_each_bad_row_is_named_by_its_index_and_its_field() -> None:
    checked = contract().check_rows([GOOD, {"name": "", "x": 1}, {"x": "no"}])
    assert [(v.instance, v.field, v.rule) for row in checked.failed.values() for v in row] == [
        (1, "name", "string_too_short"),
        (2, "name", "missing"),
        (2, "x", "float_parsing"),
    ]
    assert checked.instances == [GOOD]
    with pytest.raises(ContractError, match="instance 1 field name") as caught:
        checked.require_all()
    assert caught.value.problem()["count"] == 3


def test_each_bad_row_has_its_place_until_an_answer_has_no_room_for_more() -> None:
    good, bad = GOOD, {"name": 1, "x": "no"}
    checked = contract().check_rows([good, bad] * 1_000)
    assert list(checked.failed) == list(range(1, 2_000, 2))
    assert len(checked.instances) == 1_000
    assert sum(map(len, checked.failed.values())) == 100
    checked.require_fits()
    checked = contract().check_rows([bad] * 100_000)
    assert len(checked.failed) == MAX_PROBLEMS + 1
    with pytest.raises(TooLargeError, match=str(RESPONSE_LIMIT)):
        checked.require_fits()


def test_so_many_problems_are_above_the_limit_of_an_answer() -> None:
    unlisted = ContractError([Violation(None, "", "Violates the contract (not listed: too many bad rows)", "unlisted")])
    assert (MAX_PROBLEMS - 100) * len(to_json(unlisted.problem())) > RESPONSE_LIMIT


def test_a_hundred_violations_are_listed_and_all_are_counted() -> None:
    checked = contract().check_rows([{"name": 1, "x": "no"}] * 1000, partial=False)
    with pytest.raises(ContractError) as caught:
        checked.require_all()
    problem = caught.value.problem()
    assert len(problem["errors"]) == 100
    assert problem["count"] == 2000


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", '"inf"', '"nan"', "1e999"])
def test_a_float_refuses_what_is_not_finite(number: str) -> None:
    checked = contract().check_one(b'{"name": "a", "x": %b}' % number.encode())
    assert checked.failed[0][0].rule == "finite_number"


def test_an_author_may_allow_infinity() -> None:
    free = contract(Annotated[float, Field(allow_inf_nan=True)])
    assert free.check_one(b"Infinity").instances == [float("inf")]


def test_unknown_fields_are_refused_unless_the_author_says_otherwise() -> None:
    class Loose(BaseModel):
        model_config = ConfigDict(extra="ignore")
        x: float

    assert contract().check_one(json.dumps({**GOOD, "z": 1}).encode()).failed[0][0].rule == "extra_forbidden"
    assert contract(Loose).check_one(b'{"x": 1, "z": 2}').failed == {}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 3000, b"9" * 5000, b'{"name": "\xed\xa0\x80", "x": 1}'])
def test_what_is_not_json_is_said_to_be_so(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        contract().check_one(body)


@given(st.binary(max_size=60))
def test_random_bytes_are_refused_and_nothing_else_happens(body: bytes) -> None:
    some = contract()
    assert some.check_envelope(body) is None
    try:
        assert some.check_one(body).failed
    except MalformedBodyError:
        return


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(["name", "x", "z"]), child, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON_VALUES | st.fixed_dictionaries({"name": st.text(max_size=6), "x": st.floats()}), max_size=5))
def test_both_looks_agree_and_pydantic_agrees_with_them(instances: list[Any]) -> None:
    some, body = contract(), rows(*instances)
    first, second = some.check_envelope(body), some.check_rows(instances)
    assert (first is None) == bool(second.failed)
    if first is not None:
        assert first.instances == second.instances
        assert TypeAdapter(list[Point]).validate_json(json.dumps(instances)) == first.instances


def test_numpy_numbers_leave_as_numbers() -> None:
    some = contract(prediction=float)
    checked = some.check_predictions(np.array([0.5, 1.5], dtype=np.float32), 2)
    assert some.write_predictions(checked) == b"[0.5,1.5]"
    labelled = contract().check_predictions([{"label": np.str_("low"), "probability": np.float32(0.25)}], 1)
    assert contract().write_predictions(labelled) == b'[{"label":"low","probability":0.25}]'


@pytest.mark.parametrize(
    "predictions",
    [
        [{"label": "middling", "probability": 0.5}],
        [{"label": "low", "probability": float("nan")}],
        [{"label": "low"}],
        [{"label": "low", "probability": 0.1, "extra": 1}],
        [],
        None,
        7,
        [1, 2],
    ],
)
def test_a_prediction_that_breaks_the_contract_never_leaves(predictions: Any) -> None:
    with pytest.raises(PredictionError):
        contract().check_predictions(predictions, 1)


def test_nan_is_refused_where_the_contract_cannot_see_it() -> None:
    some = contract(prediction=Any)
    with pytest.raises(PredictionError, match="NaN"):
        some.write_predictions(some.check_predictions([{"deep": [float("nan")]}], 1))


def test_the_word_nan_in_a_text_is_only_a_word() -> None:
    some = contract(prediction=str)
    assert some.write_predictions(some.check_predictions(["NaN to Infinity"], 1)) == b'["NaN to Infinity"]'


def test_an_object_that_the_author_built_is_checked_again() -> None:
    class Score(BaseModel):
        value: float

    with pytest.raises(PredictionError, match="finite"):
        contract(prediction=Score).check_predictions([Score(value=float("nan"))], 1)


def test_a_dataclass_that_the_author_built_is_checked_again() -> None:
    @dataclass
    class Score:
        value: float

    some = contract(Score, Score)
    assert some.write_predictions(some.check_predictions([Score(0.5)], 1)) == b'[{"value":0.5}]'
    with pytest.raises(PredictionError, match="finite"):
        some.check_predictions([Score(float("nan"))], 1)
    assert some.check_one(b'{"value": 1, "extra": 2}').failed[0][0].rule == "unexpected_keyword_argument"
    assert some.check_one(b'{"value": NaN}').failed[0][0].rule == "finite_number"


def test_a_nan_that_a_class_hides_is_seen() -> None:
    class Computed(BaseModel):
        x: float

        @computed_field  # type: ignore[prop-decorator]  # pydantic's own way to write it
        @property
        def twice(self) -> float:
            return float("nan") * self.x

    class Allowed(BaseModel):
        model_config = ConfigDict(allow_inf_nan=True)
        x: float

    for kind, value in ((Computed, Computed(x=1)), (Allowed, Allowed(x=float("nan")))):
        some = contract(prediction=kind)
        with pytest.raises(PredictionError, match="prediction 0 contains NaN"):
            some.write_predictions(some.check_predictions([value], 1))


def test_an_object_with_an_alias_may_be_built_by_its_field_s_name() -> None:
    class Aliased(BaseModel):
        model_config = ConfigDict(validate_by_name=True)
        x: float = Field(alias="X")

    some = contract(Aliased, Aliased)
    assert some.write_predictions(some.check_predictions([Aliased(X=1)], 1)) == b'[{"X":1.0}]'


@pytest.mark.parametrize("predictions", [{1.0, 2.0}, "ab", {"a": 1.0, "b": 2.0}, iter([1.0, 2.0]), b"ab"])
def test_only_what_has_an_order_of_its_own_passes_as_predictions(predictions: Any) -> None:
    with pytest.raises(PredictionError, match="return a list of predictions"):
        contract(prediction=Any).check_predictions(predictions, 2)


def tagged_union(*tags: Any) -> Any:
    """A union of typed dicts, told apart by `kind`: made from data, so beyond a type checker."""
    typed_dict: Any = TypedDict
    choices = [typed_dict(f"choice{n}", {"kind": Literal[tag], "x": float}) for n, tag in enumerate(tags)]
    return Annotated[Union[tuple(choices)], Field(discriminator="kind")]  # noqa: UP007 - of a number not known here


@pytest.mark.parametrize("tag", ["default", "config", "expected", "metadata", "fields", "ref", "schema_ref", "type"])
def test_a_union_s_tags_may_be_called_anything(tag: str) -> None:
    kind = tagged_union("other", tag)
    compiled = compile_type(kind).core
    assert compiled is not None
    for some in (Contract(compiled, compiled), contract(kind, kind)):
        assert not some.check_rows([{"kind": tag, "x": 1.0}]).failed
        assert some.check_rows([{"kind": tag, "x": float("nan")}]).failed
        assert some.check_rows([{"kind": tag, "x": 1.0, "more": 1}]).failed


def test_what_json_would_change_is_not_compiled() -> None:
    numbered = tagged_union(1, 2)
    assert compile_type(numbered).core is None
    assert compile_type(Annotated[dict[int, str], Field(default={1: "a"})]).core is None
    assert contract(numbered).check_one(b'{"kind": 2, "x": 1}').instances


def test_a_field_s_name_is_cut_where_it_is_repeated() -> None:
    [violation] = contract().check_rows([{**GOOD, "z" * 60_000: 1}]).failed[0]
    assert len(violation.field) == 100


def test_dates_leave_as_texts() -> None:
    some = contract(prediction=date)
    assert some.write_predictions(some.check_predictions([date(2026, 1, 2)], 1)) == b'["2026-01-02"]'


def test_a_recursive_type_keeps_its_shared_definitions() -> None:
    compiled = compile_type(Tree).core
    assert compiled is not None
    some = Contract(compiled, compiled)
    assert some.check_envelope(b'{"instances": [{"children": [{"children": []}]}]}') is not None
    assert some.check_rows([{"children": [{"children": 1}]}]).failed[0][0].field == "children.0.children"


@given(JSON_VALUES)
def test_a_compiled_contract_answers_as_pydantic_does(value: Any) -> None:
    compiled = compile_type(Point).core
    assert compiled is not None
    checked = Contract(json.loads(json.dumps(compiled)), compiled).check_rows([value])
    try:
        expected = TypeAdapter(Point).validate_json(json.dumps(value))
    except ValidationError:
        assert checked.failed
    else:
        ours = isfinite(expected["x"]) and set(value) <= {"name", "x"}  # what pydantic's defaults let through
        assert checked.instances == ([expected] if ours else [])


def test_rows_that_are_excluded_later_are_counted_with_the_others() -> None:
    bad = Violation(0, "a", "no number", "float_type")
    checked = Checked([1, 2, 3], 4, {1: [bad._replace(instance=1)]}, count=1)
    checked.exclude(ContractError([bad._replace(instance=1)], count=7))
    assert checked.instances == [1, 3]
    assert checked.failed == {1: [bad._replace(instance=1)], 2: [bad._replace(instance=2)]}
    with pytest.raises(ContractError) as caught:
        checked.require_all()
    assert caught.value.count == 8
