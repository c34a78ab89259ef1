"""Preparing: how a ColumnTransformer makes numbers of the columns of a mixed frame."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from differential import moments
from differential.columns import ColumnKind
from differential.texts import vectorizers

NUMBERS: tuple[Any, ...] = (
    lambda: "passthrough",
    lambda: "passthrough",
    StandardScaler,
    MinMaxScaler,
    lambda: PolynomialFeatures(2),
    lambda: KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"),
    lambda: QuantileTransformer(n_quantiles=5),
)
"""For numbers, none of them missing."""

GAPS: tuple[Any, ...] = (
    SimpleImputer,
    lambda: SimpleImputer(strategy="median", add_indicator=True),
    lambda: make_pipeline(SimpleImputer(), StandardScaler()),
)
"""For numbers, some of them missing."""

WORDS: tuple[Any, ...] = (
    lambda: OneHotEncoder(handle_unknown="ignore"),
    lambda: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    OneHotEncoder,
    lambda: OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=8),
    lambda: OneHotEncoder(drop="first", handle_unknown="ignore"),
    lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    lambda: TargetEncoder(cv=2, random_state=0),
    lambda: make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore")
    ),
)
"""For categories, missing ones among them."""


@st.composite
def preparations(draw: st.DrawFn, names: list[str], kinds: list[ColumnKind]) -> ColumnTransformer:
    """A step that makes numbers of every column."""
    steps: list[tuple[str, Any, Any]] = []
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind.role == "text":
            steps.append((f"text{place}", draw(vectorizers())(), name))
            continue
        if kind.role in {"moment", "day"}:
            made = moments.step(kind.dtype)
        elif kind.role == "word":
            made = draw(st.sampled_from(WORDS))()
        elif kind.missing:
            made = draw(st.sampled_from(GAPS))()
        else:
            made = draw(st.sampled_from(NUMBERS))() if kind.role == "number" else "passthrough"
        steps.append((f"column{place}", made, [name]))
    return ColumnTransformer(steps, sparse_threshold=draw(st.sampled_from([0.0, 0.3])))
