from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.dev.publish.source.tensors import UNNAMED, Fields, grouped, read_fields
from modelet.errors import PublishError


def write(path: Path, content: Any) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **content)
    elif path.suffix == ".npy":
        np.save(path, content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_arrays_keep_their_names_and_rows(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float64).reshape(3, 2)
    fields = read_fields(write(tmp_path / "a.npz", {"x": x, "n": np.arange(3, dtype=np.int32)}))
    [group] = grouped(fields.for_inputs(["n", "x"]))
    assert list(group.feeds) == ["n", "x"]
    assert [value.dtype for value in group.feeds.values()] == [np.int64, np.float32]
    [alone] = grouped(read_fields(write(tmp_path / "a.npy", x)).for_inputs(["image"]))
    assert np.array_equal(alone.feeds["image"], x)


def test_rows_of_a_json_file_are_grouped_by_their_shapes(tmp_path: Path) -> None:
    rows = [{"ids": [1, 2], "on": [True, False]}, {"ids": [3], "on": [True]}, {"ids": [4, 5], "on": [True, True]}]
    groups = grouped(read_fields(write(tmp_path / "a.json", rows)).for_inputs(["ids", "on"]))
    assert [group.places for group in groups] == [[0, 2], [1]]
    assert groups[0].feeds["ids"].tolist() == [[1, 2], [4, 5]]
    assert groups[1].feeds["on"].dtype == np.bool_
    [scalars] = grouped(read_fields(write(tmp_path / "b.json", {"instances": [1, 2.5]})).for_inputs(["x"]))
    assert scalars.feeds["x"].dtype == np.float32


def test_one_kind_of_number_holds_for_all_rows(tmp_path: Path) -> None:
    groups = grouped(read_fields(write(tmp_path / "a.json", [[1, 2], [1.5]])).for_inputs(["x"]), {"x": np.float32})
    assert {group.feeds["x"].dtype for group in groups} == {np.dtype(np.float32)}
    mixed = grouped(Fields({"x": [[1, 2], [1.5]]}))
    assert {group.feeds["x"].dtype for group in mixed} == {np.dtype(np.float32)}


def test_columns_are_the_matrix_of_a_module_with_one_input(tmp_path: Path) -> None:
    csv = read_fields(write(tmp_path / "a.csv", "age,income\n1,2.5\n3,4\n"))
    assert csv.columns == ("age", "income")
    named = read_fields(write(tmp_path / "a.json", [{"age": 1, "income": 2.5}, {"age": 3, "income": 4}]))
    for fields in (csv.for_inputs(["x"]), named.for_inputs(["x"])):
        assert fields.columns == ("age", "income")
        assert grouped(fields)[0].feeds["x"].tolist() == [[1, 2.5], [3, 4]]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "x", "a.txt has no known format: give a .npz"),
        ("a.npy", np.array(["a"], dtype=object), "a.npy cannot be read"),
        ("a.npy", np.float32(3), "a.npy has no rows"),
        ("a.npz", {}, "a.npz has no rows"),
        ("a.npz", {"x": np.zeros((2, 1)), "y": np.zeros(3)}, r"different numbers of rows \(x 2, y 3\)"),
        ("a.json", "[", "a.json cannot be read"),
        ("a.json", "{}", "has no list of rows"),
        ("a.json", [{"x": 1}, {"y": 1}], "example 1 has y: give x"),
        ("a.csv", "1,2\n3,4\n", "has no header line"),
        ("a.csv", "a,b\n3\n", "row 2: give 2 numbers"),
        ("a.csv", "a,b\n3,x\n", "row 2: give 2 numbers"),
        ("a.csv", "a,b\n", "a.csv has no rows"),
    ],
)
def test_a_file_that_is_not_examples_is_refused(tmp_path: Path, name: str, content: Any, said: str) -> None:
    if name == "a.npz" and "x" in content:
        content = {key: np.asarray(value) for key, value in content.items()}
    with pytest.raises(PublishError, match=said):
        read_fields(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"x": ["a"]}, "have texts, null or objects"),
        ({"x": [None, 1.0]}, "have texts, null or objects"),
        ({"x": [[1, 2], 3]}, r"have \[0, 1\] dimensions"),
        ({"x": [[[1], [1, 2]], [[1]]]}, "example 0 of x is not rectangular"),
    ],
)
def test_rows_that_are_not_tensors_are_refused(values: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        grouped(Fields(values))


def test_inputs_that_are_missing_or_unknown_are_named() -> None:
    one = Fields({UNNAMED: [[1.0]]})
    with pytest.raises(PublishError, match="have rows without names: give the module's inputs by name, a, b"):
        one.for_inputs(["a", "b"])
    both = Fields({"a": [[1.0]], "b": [[1.0]]})
    with pytest.raises(PublishError, match="have a, b: give the module's inputs by name, a, c"):
        both.for_inputs(["a", "c"])
    with pytest.raises(PublishError, match="have b, which is not an input: give only a"):
        both.for_inputs(["a"])
