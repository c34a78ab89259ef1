"""Random rules in JsonLogic, and data for them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from modelet.logic.register import OPERATORS

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
    st.sampled_from([0, 1, -1, 2**53 + 1, 2**63 - 1, 1e308, -1e308, 0.5]),
)
TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["", "a", "5", "-1.5", "2026-01-31T09:00:00+09:00", "a.b", "UTC", "%Y-%m-%d"])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
TOTAL = st.one_of(st.booleans(), NUMBERS, TEXTS.filter(bool))
TOTAL_DATA = st.fixed_dictionaries(
    {
        "a": st.lists(TOTAL, min_size=1, max_size=3),
        "b": TOTAL,
        "l": st.lists(st.one_of(TOTAL, st.fixed_dictionaries({"a": TOTAL, "n": NUMBERS})), max_size=5),
        "n": NUMBERS,
    }
)
DATA = st.fixed_dictionaries({"a": VALUES, "b": VALUES, "l": st.lists(VALUES, max_size=6), "n": NUMBERS})
PATHS = st.sampled_from(["a", "b", "l", "n", "a.b", "l.0", "", "current", "accumulator", "x"])


def _leaves(scalars: st.SearchStrategy[Any], *, total: bool) -> st.SearchStrategy[Any]:
    path = PATHS.map(lambda name: {"var": [name, 7]} if total else {"var": name})
    return st.one_of(scalars, st.lists(scalars, max_size=3), path, st.just({"var": ["l", []]}))


@st.composite
def _calls(draw: st.DrawFn, inner: st.SearchStrategy[Any], names: tuple[str, ...], total: bool) -> Any:
    name = draw(st.sampled_from(names))
    record = OPERATORS[name]
    paths = st.lists(PATHS.filter(bool), min_size=1, max_size=3)
    special: dict[str, st.SearchStrategy[Any]] = {
        "var": st.tuples(PATHS, inner).map(list),
        "missing": paths,
        "missing_some": st.tuples(st.integers(0, 3), paths).map(list),
        "with": st.tuples(st.fixed_dictionaries({"x": inner}), inner).map(list),
        "for": st.tuples(st.just("x"), inner, inner).map(list),
        "dict": st.fixed_dictionaries({"first": inner, "second": inner}),
        "switch": st.tuples(inner, st.tuples(inner, inner).map(list).map(lambda case: [case]), inner).map(list),
        **({"if": st.tuples(inner, inner, inner).map(list)} if total else {}),
    }
    most = record.least + 2 if record.most is None else record.most
    return {name: draw(special.get(name, st.lists(inner, min_size=record.least, max_size=most)))}


def rules(names: tuple[str, ...] = tuple(OPERATORS), *, total: bool = False) -> st.SearchStrategy[Any]:
    """Rules of some operators. total: without null, empty texts and empty objects, so that engines do not differ."""
    leaves = _leaves(TOTAL if total else SCALARS, total=total)
    return st.recursive(leaves, lambda inner: _calls(inner, names, total), max_leaves=12)
