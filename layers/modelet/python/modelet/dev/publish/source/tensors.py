"""Examples as tensors: the rows of a .npz, .npy, .json or .csv file, as the inputs of a module or a graph."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMATS = (
    "a .npz with one array for each input, a .npy, a .json list of rows or of objects with the inputs' names, "
    "or a .csv of numbers with a header line"
)
UNNAMED = ""
"""The name of rows that are not named in their file: they are for a module with one input."""


@dataclass(frozen=True)
class Fields:
    """The contents of a file with examples. values: rows by name. columns: names of the columns of a matrix."""

    values: Mapping[str, Sequence[Any] | NDArray[Any]]
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def for_inputs(self, names: Sequence[str]) -> Fields:
        """Return the rows of each input, in the order of `names`. Raises PublishError if the file has others.

        If there is one input and the fields have other names, the fields are the columns of its matrix.
        """
        if self.values.keys() == {UNNAMED} and len(names) == 1:
            return Fields({names[0]: self.values[UNNAMED]}, self.columns)
        if set(names) <= self.values.keys():
            if strange := [name for name in self.values if name not in names]:
                raise PublishError(
                    f"the examples have {strange[0]}, which is not an input: give only {', '.join(names)}"
                )
            return Fields({name: self.values[name] for name in names})
        if len(names) == 1 and UNNAMED not in self.values and all(map(_is_column, self.values.values())):
            rows = [list(row) for row in zip(*self.values.values(), strict=True)]
            return Fields({names[0]: rows}, tuple(self.values))
        found = ", ".join(self.values) if UNNAMED not in self.values else "rows without names"
        raise PublishError(f"the examples have {found}: give the module's inputs by name, {', '.join(names)}")


class Group(NamedTuple):
    """Examples whose inputs have the same shapes. places: their rows in the file. feeds: arrays by input."""

    places: list[int]
    feeds: dict[str, NDArray[Any]]


def read_fields(path: Path) -> Fields:
    """Return the contents of a file with examples. Raises PublishError."""
    try:
        match path.suffix:
            case ".npz":
                with np.load(path, allow_pickle=False) as arrays:
                    fields = Fields({name: arrays[name] for name in arrays.files})
            case ".npy":
                fields = Fields({UNNAMED: np.load(path, allow_pickle=False)})
            case ".json":
                fields = _of_json(json.loads(path.read_bytes()))
            case ".csv":
                fields = _of_csv(path)
            case _:
                raise PublishError(f"{path.name} has no known format: give {FORMATS}")
    except (ValueError, OSError, EOFError, RecursionError, MemoryError, zipfile.BadZipFile) as error:
        raise PublishError(
            f"{path.name} cannot be read ({' '.join(str(error).split())[:200]}): give {FORMATS}"
        ) from None
    check_rows(fields, path.name)
    return fields


def check_rows(fields: Fields, source: str) -> None:
    """Raise PublishError if there are no rows, or if an input has another number of rows. source: what has them."""
    sizes = {
        name: 0 if isinstance(rows, np.ndarray) and not rows.ndim else len(rows) for name, rows in fields.values.items()
    }
    if not sizes or not min(sizes.values()):
        raise PublishError(f"{source} has no rows: give {FORMATS}")
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise PublishError(f"{source} has different numbers of rows ({said}): give each input one row per example")


def grouped(fields: Fields, types: Mapping[str, Any] | None = None) -> list[Group]:
    """Return the examples in groups of equal shapes, the largest group first. types: numpy's types by input.

    By default, whole numbers are int64, other numbers float32, and true and false bool. Raises PublishError.
    """
    values = {name: _rows(name, rows, (types or {}).get(name)) for name, rows in fields.values.items()}
    if all(isinstance(rows, np.ndarray) for rows in values.values()):
        return [Group(list(range(len(fields))), values)]
    places: dict[Any, list[int]] = {}
    for place in range(len(fields)):
        places.setdefault(tuple(rows[place].shape for rows in values.values()), []).append(place)
    groups = [
        Group(each, {name: np.stack([rows[place] for place in each]) for name, rows in values.items()})
        for each in places.values()
    ]
    return sorted(groups, key=lambda group: -len(group.places))


def _rows(name: str, rows: Any, kind: Any) -> Any:
    """Return an input's rows as one array, or as a list of arrays of different shapes."""
    try:
        found = np.asarray(rows)
    except ValueError:  # the rows have different shapes
        arrays = [_array(name, place, row) for place, row in enumerate(rows)]
        ranks = {array.ndim for array in arrays}
        if len(ranks) > 1:
            raise PublishError(f"the examples of {name} have {sorted(ranks)} dimensions: give all the same") from None
        kind = kind or _kind(name, np.result_type(*arrays))
        return [array.astype(kind) for array in arrays]
    return found.astype(kind or _kind(name, found.dtype))


def _array(name: str, place: int, row: Any) -> NDArray[Any]:
    try:
        return np.asarray(row)
    except ValueError:
        raise PublishError(f"example {place} of {name} is not rectangular: give lists of the same length") from None


def _kind(name: str, dtype: np.dtype[Any]) -> Any:
    match dtype.kind:
        case "b":
            return np.bool_
        case "i" | "u":
            return np.int64
        case "f":
            return np.float32
    raise PublishError(
        f"the examples of {name} have texts, null or objects: a module of torch takes numbers and booleans"
    )


def _is_column(rows: Any) -> bool:
    return all(np.ndim(value) == 0 for value in rows)


def _of_json(document: Any) -> Fields:
    rows = document.get("instances") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows:
        raise PublishError(f"the JSON file has no list of rows: give {FORMATS}")
    if not all(isinstance(row, dict) for row in rows):
        return Fields({UNNAMED: rows})
    names = list(rows[0])
    for place, row in enumerate(rows):
        if row.keys() != set(names):
            raise PublishError(f"example {place} has {', '.join(row) or 'no fields'}: give {', '.join(names)}")
    return Fields({name: [row[name] for row in rows] for name in names})


def _of_csv(path: Path) -> Fields:
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *lines = [line for line in csv.reader(file) if line] or [[]]
    if all(map(_is_number, header)):
        raise PublishError(f"{path.name} has no header line: write the names of the columns in its first line")
    rows = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header) or not all(map(_is_number, line)):
            raise PublishError(f"{path.name}, row {number}: give {len(header)} numbers, one for each column")
        rows.append([float(cell) for cell in line])
    return Fields({UNNAMED: np.array(rows, np.float32)}, tuple(header))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
