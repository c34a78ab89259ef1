"""Inputs on which a graph is compared with its module: the examples, and others that meet more of its branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from modelet.dev.publish.source.tensors import Group

    Feeds = dict[str, NDArray[Any]]

BATCHES = (1, 2, 3, 7)
AT_ONCE = 64
"""The most rows of a batch of all examples."""
MADE_OF = 7
"""The rows of the examples that others are made of."""
LENGTHS = (1, 2, 3, 5)


class Case(NamedTuple):
    """Inputs of one batch. title: what they are. is_example: whether the module must take them."""

    title: str
    feeds: Feeds
    is_example: bool


def cases_of(groups: Sequence[Group], sizes: Mapping[str, Mapping[int, str]]) -> Iterator[Case]:
    """Yield all examples in batches of several sizes, then inputs that are made of them."""
    random = np.random.default_rng(1)
    for group in groups:
        rows = len(group.places)
        for size in sorted({min(each, rows) for each in BATCHES}):
            yield Case(f"{size} of the examples", _rows(group.feeds, slice(rows - size, rows)), True)
        for start in range(0, rows, AT_ONCE):
            yield Case(f"the examples from {start} on", _rows(group.feeds, slice(start, start + AT_ONCE)), True)
    for group in groups[: len(BATCHES)]:
        some = _rows(group.feeds, np.arange(MADE_OF) % len(group.places))
        yield from _made(some, random)
    for some in _shortened(groups[0], sizes):
        yield from _made(some, random)


def _made(some: Feeds, random: np.random.Generator) -> Iterator[Case]:
    """Yield inputs that are made of examples, each in batches of several sizes."""
    for title, change in CHANGES.items():
        feeds = {name: change(values, random).astype(values.dtype) for name, values in some.items()}
        for size in BATCHES:
            yield Case(f"{title} ({size} rows)", _rows(feeds, slice(0, size)), False)


def _shortened(group: Group, sizes: Mapping[str, Mapping[int, str]]) -> Iterator[Feeds]:
    """Yield examples cut to other sizes in the dimensions that vary."""
    names = {name for axes in sizes.values() for axis, name in axes.items() if axis}
    some = _rows(group.feeds, np.arange(MADE_OF) % len(group.places))
    for length in LENGTHS if names else ():
        cut = dict(some)
        for name, axes in sizes.items():
            for axis in axes:
                if axis and cut[name].shape[axis] > length:
                    cut[name] = np.take(cut[name], np.arange(length), axis=axis)
        yield cut


def _rows(feeds: Mapping[str, NDArray[Any]], rows: Any) -> Feeds:
    return {name: values[rows] for name, values in feeds.items()}


def _permuted(values: Any, random: np.random.Generator) -> Any:
    return random.permutation(values.ravel()).reshape(values.shape)


def _ranged(values: Any, random: np.random.Generator) -> Any:
    low, high = values.min(), values.max()
    if values.dtype.kind == "i":
        return random.integers(low, high + 1, values.shape)
    return random.uniform(low - (high - low) / 2, high + (high - low) / 2, values.shape)


def _scaled(factor: float) -> Any:
    """Return a function that scales numbers; whole numbers, which may be places in a table, stay in their range."""
    return lambda values, random: values * factor if values.dtype.kind == "f" else _permuted(values, random)


CHANGES: dict[str, Any] = {
    "zeros": lambda values, _: np.zeros_like(values),
    "the examples with other signs": _scaled(-1),
    "the examples times 10": _scaled(10),
    "the examples times -0.1": _scaled(-0.1),
    "the examples' smallest value": lambda values, _: np.full_like(values, values.min()),
    "the examples' greatest value": lambda values, _: np.full_like(values, values.max()),
    "values of the examples in another order": _permuted,
    "random values in the examples' range": _ranged,
    "other random values": _ranged,
}
