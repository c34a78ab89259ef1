"""Between rows and matrices: the quick ways give what the plain ones give."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from modelet.backends import onnx, table
from modelet.backends.onnx import OnnxModel
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.errors import ContractError
from modelet.store.manifest import Column
from support.services import manifest

FEATURES = ("a", "b", "c")
DTYPES = st.sampled_from([np.float32, np.float64, np.int64])
EDGES = [
    0,
    -0.0,
    1e39,
    -1e39,
    3.4028235677973366e38,
    1e-46,
    2**24,
    2**24 + 1,
    2**25,
    2**53 + 1,
    2**63,
    -(2**63),
    10**400,
]
VALUES = (
    st.floats()
    | st.integers()
    | st.booleans()
    | st.none()
    | st.sampled_from([*EDGES, np.float32(0.3), np.int64(3), Decimal("1.5"), Decimal(7), "2.5", "x", date(2026, 1, 1)])
)
BOUNDS = st.none() | st.sampled_from([-5, 0, 0.1, 2**24, 1e30])
COLUMNS = st.builds(
    Column,
    st.just("x"),
    st.sampled_from(["number", "integer", "boolean"]),
    nullable=st.booleans(),
    categories=st.none() | st.just((0, 1, 7)),
    minimum=BOUNDS,
    maximum=BOUNDS,
    found=st.just(()),
)
REFUSED = object()


def wanted(value: Any, column: Column | None, dtype: Any) -> Any:
    """What a column's cell should hold: the value itself but for a fraction's rounding, or nothing at all."""
    floating = dtype is not np.int64
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return math.nan if floating and (column is None or column.nullable) else REFUSED
    if isinstance(value, str | date) or (isinstance(value, float | np.floating) and math.isinf(value)):
        return REFUSED
    exact = Fraction(value.item() if isinstance(value, np.generic) else value)
    is_counted = isinstance(value, int | np.integer) if column is None else column.type != "number"
    with np.errstate(over="ignore"):
        try:
            held = dtype(float(value)) if floating else dtype(int(exact))
        except OverflowError:
            return REFUSED
    if (floating and np.isinf(held)) or ((is_counted or not floating) and Fraction(held.item()) != exact):
        return REFUSED
    if column is not None:
        is_whole = exact.denominator == 1 and (column.type != "boolean" or exact in {0, 1})
        ends = [Fraction(end) for end in (column.minimum, column.maximum) if end is not None]
        low, high = column.minimum is not None, column.maximum is not None
        beyond = (low and exact < ends[0] and held < column.minimum) or (
            high and exact > ends[-1] and held > column.maximum
        )
        if (
            (column.type != "number" and not is_whole)
            or beyond
            or (column.categories and exact not in column.categories and held not in column.categories)
        ):
            return REFUSED
    return held


def shown(cell: Any) -> Any:
    return "NaN" if cell != cell else (float(cell), bool(np.signbit(cell)))  # noqa: PLR0124 - only NaN is not itself


def outcome(make: Callable[[], Any]) -> tuple[Any, list[tuple[int | None, str]]]:
    """What was made, and the places that were refused instead."""
    try:
        return make(), []
    except ContractError as error:
        return None, [(one.instance, one.field) for one in error.violations]


@settings(max_examples=300)
@given(st.data(), DTYPES, st.booleans())
def test_a_value_reaches_an_array_as_it_is_or_is_refused_by_its_name(data: Any, dtype: Any, known: bool) -> None:
    columns = [data.draw(COLUMNS)._replace(name=name) if known else None for name in FEATURES]
    rows = data.draw(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=4))
    cells = [[wanted(value, column, dtype) for value, column in zip(row, columns, strict=True)] for row in rows]
    refused = [
        (index, FEATURES[place]) for index, row in enumerate(cells) for place in range(3) if row[place] is REFUSED
    ]
    objects = [SimpleNamespace(**dict(zip(FEATURES, row, strict=True))) for row in rows]
    for given_rows in (rows, [dict(zip(FEATURES, row, strict=True)) for row in rows], objects):
        made, found = outcome(partial(table.matrix, given_rows, FEATURES, dtype, [one for one in columns if one]))
        assert found == refused
        if not refused:
            assert made.dtype == dtype
            assert [list(map(shown, row)) for row in made] == [list(map(shown, row)) for row in cells]


@given(st.lists(VALUES, min_size=1, max_size=4), DTYPES, COLUMNS)
def test_a_single_feature_is_a_column(values: list[Any], dtype: Any, column: Column) -> None:
    cells = [wanted(value, column, dtype) for value in values]
    for rows in ([(value,) for value in values], [{"x": value} for value in values]):
        made, found = outcome(partial(table.matrix, rows, ("x",), dtype, [column]))
        assert found == [(index, "x") for index, cell in enumerate(cells) if cell is REFUSED]
        assert made is None or [shown(cell) for [cell] in made] == list(map(shown, cells))


@pytest.mark.parametrize("value", [1e-60, 1 + 1e-12, 7 - 1e-9, Decimal("1e-60")])
@pytest.mark.parametrize("kind", ["integer", "boolean"])
def test_a_fraction_that_rounding_makes_whole_is_a_fraction_all_the_same(value: Any, kind: Any) -> None:
    columns = [Column("a", kind, nullable=True), Column("b", "number")]
    good = table.matrix([(1, 0.5), (None, 0.5)], ("a", "b"), np.float32, columns)
    assert np.isnan(good[1, 0])
    with pytest.raises(ContractError, match="instance 1 field a: Input should be an integer"):
        table.matrix([(1, 0.5), (value, 0.5)], ("a", "b"), np.float32, columns)


@pytest.mark.parametrize("value", [None, 1, True, 2.5, float("nan"), b"a"])
def test_what_is_no_text_is_refused_where_a_graph_takes_texts(value: Any) -> None:
    for rows in ([{"a": "x"}, {"a": value}], [("x",), (value,)]):
        for columns in ([], [Column("a", "string", nullable=True)]):
            with pytest.raises(ContractError, match="instance 1 field a: Input should be a valid string"):
                table.Packer(("a",), str, columns).pack(rows)
    with pytest.raises(ContractError, match="instance 1 field a: Input should be a valid string"):
        onnx.check_texts("a", np.array([["x"], [value]], object))


def test_a_text_beside_the_recorded_categories_is_refused() -> None:
    packer = table.Packer(("a",), str, [Column("a", "string", categories=("x", "y"))])
    assert packer.pack([{"a": "x"}]).tolist() == [["x"]]
    with pytest.raises(ContractError, match="instance 0 field a: Input should be one of 'x', 'y'"):
        packer.pack([{"a": "z"}])


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False) | st.integers(-9, 9), min_size=2, max_size=2), min_size=1)
)
def test_a_tensor_without_columns_may_be_a_list_in_one_field(values: list[list[Any]]) -> None:
    rows = [{"x": value} for value in values]
    if any(math.isinf(number) for value in values for number in value):
        with pytest.raises(ContractError, match="field x: Input is beyond the range of float32"):
            table.matrix(rows, ("x",))
    else:
        assert table.matrix(rows, ("x",)).tolist() == [[list(map(float, value))] for value in values]
        with pytest.raises(ContractError, match="field x: Input should be a valid number"):
            table.matrix([*rows, {"x": ["1", 2]}], ("x",))


def test_only_whole_numbers_that_a_float_would_round_are_looked_for_where_a_contract_is_proven() -> None:
    packer = table.Packer(("a", "b"), np.float32, [Column("a", "integer"), Column("b", "number", nullable=True)])
    packer.proven = True
    for count in (1, 500):
        rows = [(2**24, 2.0**24 + 1)] * count
        assert packer.pack(rows).tolist() == [[2**24, 2**24]] * count
        assert np.isnan(packer.pack([(1, None)] * count)[:, 1]).all()
        with pytest.raises(ContractError, match=f"instance {count} field a: Input is an integer that float32 would"):
            packer.pack([*rows, (2**24 + 1, 1.0)])


def in_a_frame(value: Any, column: Column) -> Any:
    """What a frame should hold for a value: the value itself, None for a missing one, or nothing at all."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None if column.nullable else REFUSED
    if column.type == "string":
        return value if isinstance(value, str) and value in (column.categories or [value]) else REFUSED
    is_large = isinstance(value, int | float | np.number) and value >= 2**63
    if column.type != "number" and is_large and value < 2**64:  # pandas holds it as uint64
        held = wanted(value, column._replace(type="number"), np.float64)
    else:
        held = wanted(value, column, np.float64 if column.type == "number" else np.int64)
    return REFUSED if held is REFUSED else value


@given(st.lists(VALUES, min_size=1, max_size=4), COLUMNS | st.builds(Column, st.just("x"), st.just("string")))
@example([2**63, 2**64 - 1], Column("x", "integer"))
@example([2**64], Column("x", "integer"))
def test_a_value_reaches_a_frame_as_it_is_or_is_refused_by_its_name(values: list[Any], column: Column) -> None:
    cells = [in_a_frame(value, column) for value in values]
    refused = [(index, "x") for index, cell in enumerate(cells) if cell is REFUSED]
    made, found = outcome(lambda: table.rows([{"x": value} for value in values], ("x",), [column]))
    assert found == refused
    if not refused:
        for [cell], expected in zip(made, cells, strict=True):
            assert (cell == expected) or (expected is None and math.isnan(cell))


def test_a_field_that_was_left_out_is_nan() -> None:
    found = table.matrix([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0, "c": 3.0}], FEATURES)
    assert np.isnan(found[0, 2])
    assert found[1].tolist() == [1.0, 2.0, 3.0]


def test_a_matrix_may_be_written_to() -> None:
    found = table.matrix([(1.0, 2.0, 3.0)], FEATURES)
    found += 1
    assert found.tolist() == [[2.0, 3.0, 4.0]]


def test_a_number_beyond_the_range_is_named_in_a_tuple_too() -> None:
    with pytest.raises(ContractError, match="instance 1 field c: Input is beyond the range of float32"):
        table.matrix([(1.0, 2.0, 3.0), (1.0, 2.0, 1e39)], FEATURES)


# Who reads tuples


class Instance(TypedDict):
    a: float
    b: float
    c: float


def of_tuples(model: Any) -> bool:
    body = b'{"instances":[{"a":1,"b":2,"c":3}]}'
    model.manifest = manifest(features=FEATURES)
    usual = Contract(*(tighten(dict(TypeAdapter(Instance).core_schema)) for _ in range(2)))
    checked = table.adapt_contract(model, OnnxModel, usual).check_envelope(body)
    assert checked is not None
    return type(checked.instances[0]) is tuple


def test_a_model_whose_author_sees_no_instance_reads_tuples() -> None:
    class Usual(OnnxModel[Any, Any]):
        def infer(self, inputs: Any) -> Any:
            return super().infer(inputs)

    class Prepared(OnnxModel[Any, Any]):
        def preprocess(self, instances: list[Any]) -> Any:
            return super().preprocess(instances)

    class Shaped(OnnxModel[Any, Any]):
        def postprocess(self, outputs: Any, instances: list[Any]) -> list[Any]:
            return super().postprocess(outputs, instances)

    patched = OnnxModel[Any, Any]()
    vars(patched)["postprocess"] = lambda _outputs, instances: instances  # as an author's `load` may do
    assert of_tuples(Usual())
    assert not of_tuples(Prepared())
    assert not of_tuples(Shaped())
    assert not of_tuples(patched)


@given(text=st.text(st.sampled_from(":a€\n"), max_size=6000))
def test_colons_are_counted_alike_in_short_texts_and_in_long_ones(text: str) -> None:
    assert table._colons(text.encode() * 3) == text.count(":") * 3


@given(st.lists(st.tuples(*[VALUES] * 3), min_size=1, max_size=4), DTYPES | st.just(str), st.data())
def test_one_feature_of_a_tuple_is_read_from_its_own_place(rows: Any, dtype: Any, data: Any) -> None:
    name = data.draw(st.sampled_from(FEATURES))
    packer = table.Packer((name,), dtype, among=FEATURES)
    by_name = [dict(zip(FEATURES, row, strict=True)) for row in rows]
    mixed = [data.draw(st.sampled_from(pair)) for pair in zip(rows, by_name, strict=True)]
    made, refused = outcome(lambda: packer.pack(by_name))
    for instances in (rows, mixed):
        again, refused_again = outcome(lambda: packer.pack(instances))  # noqa: B023 - it is called at once
        assert refused_again == refused
        assert made is None or [*map(shown_any, again.ravel())] == [*map(shown_any, made.ravel())]


def shown_any(cell: Any) -> Any:
    return cell if isinstance(cell, str) else shown(cell)
