"""Examples from an author or a file, in the shape that an estimator takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.parity.predictions import Answers, estimator_answers
from modelet.dev.publish.source.cells import typed
from modelet.dev.publish.source.columns import EMPTY, Type, check_columns, columns_of
from modelet.dev.publish.source.fitted import known_columns, with_markers
from modelet.dev.publish.source.lines import read_cells
from modelet.dev.publish.source.parts import names_columns, reads_text
from modelet.dev.publish.source.rows import TEXT, Layout, Rows, is_frame
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from modelet.dev.publish.source.trained import Trained

FORMATS = "a .csv with a header line, or a .json list of objects, of texts or of rows"


def rows_of(trained: Trained) -> Rows:
    """The examples of a trained model. Raises PublishError where they are none, or contradict the columns."""
    data = _data(trained.examples)
    names = trained.feature_names
    if names is None and trained.columns is not None and not is_frame(data):
        names = [column.name for column in trained.columns]
    derived = columns_of(data, names)
    rows = Rows(data, _layout(data, trained.estimator, {column.type for column in derived}), derived)
    if trained.columns is None:
        return rows
    given = tuple(trained.columns)
    check_columns(given, rows)
    return Rows(data, rows.layout, given).stated()


def read_table(path: Path, typing: Callable[[Any], Any] | None = None) -> Any:
    """The rows of a file: texts in a list, an array, or a DataFrame.

    typing: gives the cells of a CSV file their types (see `cells`), pandas' way unless given. Raises PublishError.
    """
    try:
        if path.suffix == ".csv":
            cells = read_cells(path)
            return typing(cells) if typing else typed(cells, {}, {})
        if path.suffix != ".json":
            raise PublishError(f"{path.name} is neither CSV nor JSON: give {FORMATS}")
        return _table(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise PublishError(f"{path.name} cannot be read ({_first_line(error)}): give {FORMATS}") from error


def read_for(estimator: Any, path: Path, types: Mapping[str, Type]) -> Any:
    """The rows of a file in the types that an estimator was fitted on. types: what a person says of columns.

    Raises PublishError naming a column that may be of either of two types.
    """
    if types and path.suffix != ".csv":
        raise PublishError(f"--types is for CSV files: {path.name} says the types of its values itself")

    def ask(table: Any) -> Answers:
        return estimator_answers(estimator, Rows(fitted_to(estimator, table)[0], "matrix", ()))

    def typing(cells: Any) -> Any:
        if reads_text(estimator):
            return typed(cells, types, dict.fromkeys(cells.columns, "string"))
        known = known_columns(estimator, _names(estimator, cells))
        return typed(cells, types, {name: each.type for name, each in known.items() if each.type}, ask)

    table = read_table(path, typing)
    return with_markers(table, known_columns(estimator, _names(estimator, table))) if is_frame(table) else table


def _names(estimator: Any, table: Any) -> list[str]:
    """The columns of a table by which an estimator knows them."""
    return list(getattr(estimator, "feature_names_in_", table.columns))


def fitted_to(estimator: Any, table: Any) -> tuple[Any, list[str] | None]:
    """A file's rows as an estimator's `predict` takes them, and the names of the features where the rows lose them.

    Raises PublishError naming the columns that are missing or too many.
    """
    if reads_text(estimator):
        return _texts(table), None
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        if not is_frame(table):
            raise PublishError(f"the estimator takes columns by name: give examples with {', '.join(names)}")
        if missing := [name for name in names if name not in table.columns]:
            raise PublishError(f"the examples have no column {', '.join(missing)}: the estimator was fitted on it")
        return table[list(names)], None
    count = getattr(estimator, "n_features_in_", None)
    width = table.shape[1] if hasattr(table, "shape") else 1
    if count is not None and width != count:
        raise PublishError(f"the examples have {width} columns, the estimator takes {count}: give it those alone")
    if not is_frame(table):
        return table, None
    known = known_columns(estimator, table.columns)
    strange = [str(name) for name in table.columns if table[name].dtype.kind not in "fiub"]
    if strange and all(name in known and known[name].type == "string" for name in strange):
        return table, None  # fitted on an array of objects
    if strange and table[strange[0]].isna().all():
        raise PublishError(f"column {strange[0]} of the examples is empty: {EMPTY.format(strange[0])}")
    if strange:
        raise PublishError(f"column {strange[0]} of the examples is text, but the estimator takes numbers: encode it")
    return table.to_numpy(), [str(name) for name in table.columns]


def _data(examples: Any) -> Any:
    """Examples as Rows keeps them. Raises PublishError."""
    if hasattr(examples, "todense"):
        raise PublishError("examples is a sparse matrix: give what requests will carry, texts or columns")
    if len(examples) == 0:
        raise PublishError("examples is empty: give held-out rows, 1,000 where there are as many")
    if is_frame(examples):
        return examples.reset_index(drop=True)
    if np.ndim(examples) == 1:
        return _texts(examples)
    array = np.asarray(examples)
    if array.ndim != 2:
        raise PublishError(f"examples has {array.ndim} dimensions: give an array of shape (rows, features)")
    return array


def _layout(data: Any, estimator: Any, types: set[str]) -> Layout:
    if isinstance(data, list):
        return "text"
    if is_frame(data):
        return "columns" if "string" in types or names_columns(estimator) else "matrix"
    if "string" in types:
        raise PublishError("examples is an array that holds text: give a DataFrame, so that each column has its type")
    return "matrix"


def _texts(table: Any) -> list[str]:
    """One column of texts as a list. Raises PublishError."""
    if is_frame(table):
        if len(table.columns) != 1 and TEXT not in table.columns:
            raise PublishError(
                "the estimator takes one text a row: give examples with one column, or with one named text"
            )
        table = table[TEXT] if TEXT in table.columns else table.iloc[:, 0]
    texts = [str(value) if isinstance(value, str) else value for value in table]
    for place, value in enumerate(texts):
        if not isinstance(value, str):
            raise PublishError(
                f"example {place} is {type(value).__name__}, not text: "
                "give a list of texts, an array of shape (rows, features) or a DataFrame"
            )
    return texts


def _table(parsed: Any) -> Any:
    """A JSON file's rows; the body of a request is understood too."""
    rows = parsed.get("instances") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list) or not rows:
        raise PublishError(f"the JSON file holds no list of rows: give {FORMATS}")
    if all(isinstance(row, dict) for row in rows):
        import pandas as pd

        return pd.DataFrame(rows)
    if all(isinstance(row, str) for row in rows):
        return rows
    array = np.array(rows)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
