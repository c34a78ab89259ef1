"""Categories of boosters: as pandas' categories, as texts, or as whole numbers that stand for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.libraries import adapter, feature_names, library_of
from modelet.dev.publish.source.rows import is_frame, is_missing
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelet.dev.publish.source.rows import Rows

NUMBERS = "fiub"
"""numpy's kinds of dtypes that a booster takes as numbers."""


def coded(estimator: Any) -> Mapping[int, Sequence[Any] | None]:
    """Return a booster's features that are categories, by index: the values that 0, 1, … stand for.

    None instead of values: requests have the codes themselves. Empty for an estimator of another library.
    """
    library = library_of(estimator)
    if library is None:
        return {}
    found: Mapping[int, Sequence[Any] | None] = adapter(library).coded(estimator)
    return found


def with_codes(rows: Rows, estimator: Any) -> Rows:
    """Return the rows with whole numbers in columns of codes, so that requests with fractions are rejected.

    A library would take 3.7 for 3, or for no category. Raises PublishError if the examples have fractions there.
    """
    columns, kinds = list(rows.columns), coded(estimator)
    _check_places(rows, kinds, type(estimator).__name__)
    for place, values in kinds.items():
        if values is not None or columns[place].type != "number":
            continue
        for value in rows.column(place):
            if not is_missing(value) and value != int(value):
                raise PublishError(
                    f"column {columns[place].name} is a category of the model, but an example has {value}: "
                    "give whole numbers"
                )
        columns[place] = columns[place]._replace(type="integer")
    return replace(rows, columns=tuple(columns))


def _check_places(rows: Rows, kinds: Mapping[int, Sequence[Any] | None], name: str) -> None:
    """Raise PublishError unless the examples have pandas' categories in the columns where the model has them.

    LightGBM keeps the values of pandas' categories without their columns, which a categorical_feature may not be.
    """
    if not kinds or not is_frame(rows.data):
        return
    found = {place for place, dtype in enumerate(rows.data.dtypes) if str(dtype) == "category"}
    valued = {place for place, values in kinds.items() if values is not None}
    if wrong := sorted((valued - found) | (found - kinds.keys())):
        listed = ", ".join(rows.columns[place].name for place in wrong)
        raise PublishError(
            f"{name} has categories of pandas in other columns than its categorical features ({listed}): make all of "
            "them categories of pandas without an order, and leave categorical_feature out"
        )


def as_fitted(estimator: Any, table: Any) -> tuple[Any, list[str] | None]:
    """Return a file's rows in the form that a booster accepts, and the feature names if the rows do not keep them.

    Raises PublishError that names a column, or a value that is not one of the model's categories.
    """
    names = feature_names(estimator)
    if names is not None and is_frame(table):
        if missing := [name for name in names if name not in table.columns]:
            raise PublishError(f"the examples have no column {', '.join(missing)}: the model was trained with it")
        table = table[list(names)]
    width, count = table.shape[1] if hasattr(table, "shape") else 1, int(estimator.n_features_in_)
    if width != count:
        raise PublishError(f"the examples have {width} columns, but the model needs {count}: give only those")
    if not is_frame(table):
        return table, list(names) if names is not None else None
    kinds = coded(estimator)
    made = table.copy()
    for place, name in enumerate(table.columns):
        if place in kinds:
            made[name] = _categories(str(name), table[name], kinds[place])
        elif table[name].dtype.kind not in NUMBERS:
            made[name] = _numbers(str(name), table[name])
    if names is None and not kinds:
        return made.to_numpy(), [str(name) for name in made.columns]
    return made, None


def _categories(name: str, values: Any, known: Sequence[Any] | None) -> Any:
    import pandas as pd

    if known is None:
        whole = values.dtype.kind == "f" and not values.isna().any() and (values == values.round()).all()
        return values.astype(np.int64) if whole else values
    for value in values:
        if not is_missing(value) and value not in known:
            listed = ", ".join(map(str, known))
            raise PublishError(f"column {name} of the examples has {value!r}, but the model knows only {listed}")
    return pd.Series(pd.Categorical(values, categories=list(known)), index=values.index)


def _numbers(name: str, values: Any) -> Any:
    """Return a column of flags with missing values as numbers. Raises PublishError for texts."""
    present = [value for value in values if not is_missing(value)]
    if not all(isinstance(value, bool | np.bool_) for value in present):
        raise PublishError(f"column {name} of the examples is text, but the model needs numbers: encode it")
    return values.astype(object).where(values.notna(), np.nan).astype(np.float64)
