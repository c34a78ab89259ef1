"""One tensor of a request, as it is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelet.errors import RequestError
from modelet.protocols.oip.datatype import FLOATS, INTEGERS
from modelet.protocols.oip.tensor import Tensor

NUMERIC = {**{name: name.lower() for name in INTEGERS}, **{name: f"float{name[2:]}" for name in FLOATS}, "BOOL": "bool"}


def read(shape: list[int], data: Any, datatype: str = "FP64", **members: Any) -> Tensor:
    return Tensor.read({"name": "age", "shape": shape, "datatype": datatype, "data": data, **members})


def refused(shape: list[int], data: Any, **members: Any) -> str:
    with pytest.raises(RequestError) as caught:
        read(shape, data, **members)
    assert caught.value.status == 400
    assert "'age'" in str(caught.value) or "datatype" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("datatype", NUMERIC)
@settings(max_examples=30)
@given(data=st.data())
def test_flat_and_nested_data_of_any_shape_are_the_same_row_major_elements(datatype: str, data: st.DataObject) -> None:
    finite = {"allow_nan": False, "allow_infinity": False}
    array = data.draw(
        arrays.arrays(
            NUMERIC[datatype],
            arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4),
            elements=finite if datatype in FLOATS else None,
        )
    )
    shape, flat = list(array.shape), array.ravel().tolist()
    for given_data in (array.tolist(), flat):
        tensor = read(shape, given_data, datatype)
        assert tensor.elements == flat
        assert tensor.rows == shape[0]
        again = np.array(tensor.values(datatype, nullable=False), NUMERIC[datatype]).reshape(tensor.shape)
        assert np.array_equal(again, array)


def test_a_tensor_without_dimensions_has_one_element_and_no_rows() -> None:
    tensor = read([], [5.0])
    assert tensor.elements == [5.0]
    assert tensor.rows == 0


def test_more_or_fewer_elements_than_the_shape_holds_are_refused() -> None:
    assert "has 3 elements, but its shape [2, 2] holds 4" in refused([2, 2], [1, 2, 3])
    assert "has 1 elements, but its shape [0] holds 0" in refused([0], [1])
    assert "holds 340282366920938463426481119284349108225" in refused([2**64 - 1, 2**64 - 1], [1])


@pytest.mark.parametrize(
    ("shape", "data", "reason"),
    [
        ([2, 2], [[1, 2], [3]], "1 elements at depth 1"),
        ([2, 2], [[1, 2]], "1 elements at depth 0"),
        ([2, 2], [[1, 2], 3], "not a list at depth 1"),
        ([1, 1, 1], [[1]], "not a list at depth 2"),
    ],
)
def test_data_nested_unlike_its_shape_is_refused(shape: list[int], data: Any, reason: str) -> None:
    assert reason in refused(shape, data)


def test_data_nested_deeper_than_its_shape_is_refused_at_the_element() -> None:
    with pytest.raises(RequestError, match=r"'age'.*element 0: Input should be a valid number"):
        read([1], [[1.0]]).values("FP64", nullable=False)


@pytest.mark.parametrize("parameter", ["binary_data_size", "shared_memory_region"])
def test_data_outside_the_json_is_refused_with_the_client_s_remedy(parameter: str) -> None:
    item = {"name": "age", "shape": [1], "datatype": "FP32", "parameters": {parameter: 4}}
    with pytest.raises(RequestError, match=r"data outside the JSON body.*JSON only.*binary_data=False"):
        Tensor.read(item)


def test_a_tensor_without_data_is_refused() -> None:
    with pytest.raises(RequestError, match="has no data"):
        Tensor.read({"name": "age", "shape": [1], "datatype": "FP32"})


def test_a_datatype_that_is_none_is_refused() -> None:
    assert "no datatype 'DOUBLE'" in refused([1], [1], datatype="DOUBLE")


def test_whole_floats_are_integers_where_integers_are_declared() -> None:
    values = read([3], [1.0, 2.5, None], "FP32").values("INT64", nullable=True)
    assert values == [1, 2.5, None]
    assert [type(each) for each in values] == [int, float, type(None)]


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_an_integer_that_no_double_holds_is_refused_where_numbers_are_declared(number: int) -> None:
    tensor = read([1], [number], "INT64")
    if int(float(number)) == number:
        assert tensor.values("FP64", nullable=False) == [number]
    else:
        with pytest.raises(RequestError, match=f"element 0: FP64 cannot represent {number}"):
            tensor.values("FP64", nullable=False)
    assert tensor.values("INT64", nullable=False) == [number]


def test_a_long_name_is_cut_in_messages() -> None:
    with pytest.raises(RequestError) as caught:
        Tensor.read({"name": "n" * 10_000, "shape": [2], "datatype": "FP32", "data": [1]})
    assert len(str(caught.value)) < 300
