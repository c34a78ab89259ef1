"""Examples from an author or a file, in the form that an estimator accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.codes import as_fitted, coded
from modelet.dev.publish.boosting.libraries import feature_names, library_of
from modelet.dev.publish.parity.predictions import Answers, estimator_answers
from modelet.dev.publish.source.cells import as_moments, typed
from modelet.dev.publish.source.columns import EMPTY, Type, check_columns, columns_of
from modelet.dev.publish.source.fitted import Known, known_columns, with_markers
from modelet.dev.publish.source.lines import read_cells
from modelet.dev.publish.source.moments import said
from modelet.dev.publish.source.parts import names_columns, reads_text
from modelet.dev.publish.source.rows import TEXT, Layout, Rows, is_frame
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from modelet.dev.publish.source.trained import Trained

FEW = 10
"""The number of rows for the test whether an estimator needs a frame."""
FORMATS = "a .csv with a header line, or a .json list of objects, texts or rows"


def rows_of(trained: Trained) -> Rows:
    """Return the examples of a trained model. Raises PublishError if they are not valid or contradict the columns."""
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
    """Read the rows of a file: a list of texts, an array, or a DataFrame.

    typing: converts the cells of a CSV file (see `cells`), by default as pandas does. Raises PublishError.
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
    """Read the rows of a file in the types that an estimator was fitted on. types: the user's types of columns.

    Raises PublishError that names an ambiguous column.
    """
    if path.suffix != ".csv" and not set(types.values()) <= {"datetime", "date"}:
        raise PublishError(f"--types is for CSV files, but {path.name} already has types: leave out --types")

    def ask(table: Any) -> Answers:
        return estimator_answers(estimator, Rows(fitted_to(estimator, table)[0], "matrix", ()))

    def typing(cells: Any) -> Any:
        if reads_text(estimator):
            return typed(cells, types, dict.fromkeys(cells.columns, "string"))
        known = {**known_columns(estimator, _names(estimator, cells)), **_categories(estimator, cells)}
        return typed(cells, types, {name: each.type for name, each in known.items() if each.type}, ask)

    table = read_table(path, typing)
    if path.suffix != ".csv" and is_frame(table) and not reads_text(estimator):
        table = _with_moments(estimator, table, types, ask)
    return with_markers(table, known_columns(estimator, _names(estimator, table))) if is_frame(table) else table


def _with_moments(estimator: Any, table: Any, types: Mapping[str, Type], ask: Callable[[Any], Answers]) -> Any:
    """Return the table of a JSON file with datetimes and dates, which JSON has only as texts."""
    known = {name: each.type for name, each in known_columns(estimator, _names(estimator, table)).items() if each.type}
    wanted = {name: kind for name, kind in {**known, **types}.items() if kind in {"datetime", "date"}}
    if strange := [name for name in wanted if name not in table.columns]:
        raise PublishError(f"--types has {strange[0]}, which is not a column of the examples")
    table = table.assign(**{name: said(name, table[name], kind) for name, kind in wanted.items()})
    names = [name for name in table.columns if name not in known and name not in wanted]
    return as_moments(table, [name for name in names if table[name].dtype.kind == "O"], ask)


def _names(estimator: Any, table: Any) -> list[str]:
    """Return the names of a table's columns that the estimator uses."""
    return list(feature_names(estimator) or table.columns)


def _categories(estimator: Any, table: Any) -> dict[str, Known]:
    """Return the categories of a booster, by column."""
    names = _names(estimator, table)
    return {str(names[place]): Known(list(values)) for place, values in coded(estimator).items() if values}


def fitted_to(estimator: Any, table: Any) -> tuple[Any, list[str] | None]:
    """Return a file's rows in the form that `predict` accepts, and the feature names if the rows do not keep them.

    Raises PublishError that names missing or additional columns.
    """
    if reads_text(estimator):
        return _texts(table), None
    return as_fitted(estimator, table) if library_of(estimator) else _of_columns(estimator, table)


def _of_columns(estimator: Any, table: Any) -> tuple[Any, list[str] | None]:
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return _named(table, names), None
    count = getattr(estimator, "n_features_in_", None)
    width = table.shape[1] if hasattr(table, "shape") else 1
    if count is not None and width != count:
        raise PublishError(f"the examples have {width} columns, but the estimator needs {count}: give only those")
    if not is_frame(table):
        return table, None
    if count is None and _needs_frame(estimator, table):
        return table, None
    known = known_columns(estimator, table.columns)
    strange = [str(name) for name in table.columns if table[name].dtype.kind not in "fiub"]
    if strange and all(name in known and known[name].type == "string" for name in strange):
        return table, None  # fitted on an array of objects
    if strange and table[strange[0]].isna().all():
        raise PublishError(f"column {strange[0]} of the examples is empty: {EMPTY.format(strange[0])}")
    if strange:
        raise PublishError(f"column {strange[0]} of the examples is text, but the estimator needs numbers: encode it")
    return table.to_numpy(), [str(name) for name in table.columns]


def _named(table: Any, names: Any) -> Any:
    """Return the columns that an estimator takes by name. Raises PublishError that names the missing ones."""
    if not is_frame(table):
        raise PublishError(f"the estimator needs columns by name: give examples with {', '.join(names)}")
    if missing := [name for name in names if name not in table.columns]:
        raise PublishError(f"the examples have no column {', '.join(missing)}: the estimator was fitted with it")
    return table[list(names)]


def _needs_frame(estimator: Any, table: Any) -> bool:
    """Return whether an estimator that records no columns, such as an author's own, takes a frame but no array."""
    some = table.iloc[:FEW]
    are_numbers = all(dtype.kind in "fiub" for dtype in some.dtypes)
    return not (are_numbers and _takes(estimator, some.to_numpy())) and _takes(estimator, some)


def _takes(estimator: Any, data: Any) -> bool:
    try:
        estimator_answers(estimator, Rows(data, "matrix", ()))
    except Exception:  # noqa: BLE001 - the estimator rejects it, which answers the question
        return False
    return True


def _data(examples: Any) -> Any:
    """Convert examples for Rows. Raises PublishError."""
    if hasattr(examples, "todense"):
        raise PublishError("examples is a sparse matrix: give texts or columns, as in requests")
    if len(examples) == 0:
        raise PublishError("examples is empty: give held-out rows, 1,000 if possible")
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
        return "columns" if types & {"string", "datetime", "date"} or names_columns(estimator) else "matrix"
    if types & {"datetime", "date"}:
        raise PublishError("examples is an array with datetimes: give a DataFrame, so that each column has a type")
    if "string" in types:
        raise PublishError("examples is an array with text: give a DataFrame, so that each column has a type")
    return "matrix"


def _texts(table: Any) -> list[str]:
    """Return the text column as a list. Raises PublishError."""
    if is_frame(table):
        if len(table.columns) != 1 and TEXT not in table.columns:
            raise PublishError(
                "the estimator needs one text per row: give examples with one column, or with a column named text"
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
    """Return the rows of a JSON file, which may also be the body of a request."""
    rows = parsed.get("instances") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list) or not rows:
        raise PublishError(f"the JSON file has no list of rows: give {FORMATS}")
    if all(isinstance(row, dict) for row in rows):
        import pandas as pd

        return pd.DataFrame(rows)
    if all(isinstance(row, str) for row in rows):
        return rows
    array = np.array(rows)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
