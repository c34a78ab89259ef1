"""The subject of an export: a module and its examples, as arrays in the types that it takes, and the graph's."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from modelet.dev.publish.export.modules.flat import HALVES, Flat, Program, leaves, tensors
from modelet.dev.publish.export.modules.places import place
from modelet.dev.publish.source.tensors import UNNAMED, grouped
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelet.dev.publish.export.modules.opened import Opened
    from modelet.dev.publish.source.tensors import Fields, Group

    Feeds = dict[str, NDArray[Any]]

FED = {"b": np.int64, "i": np.int64, "f": np.float32}
"""The types of a graph's inputs by the kind of the examples': requests have no others."""
MODULES = {"b": torch.bool, "i": torch.int64, "f": torch.float32}
TRACED = 2


@dataclass(frozen=True)
class Subject:
    """A module with its examples.

    reference: what the graph is compared with. exported: what the graph is made of; both take the graph's inputs in
    order and return a tuple. groups: the examples by shape, in the graph's types. outputs: their names. sizes: for each
    input, the names of its axes whose size varies (the first one is the batch's). notes: what the author should know.
    """

    opened: Opened
    reference: Any
    exported: Any
    groups: list[Group]
    outputs: tuple[str, ...]
    sizes: Mapping[str, Mapping[int, str]]
    notes: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that the examples have."""
        return tuple(self.sizes)

    def sample(self) -> Feeds:
        """Return the two rows that are traced, of the largest shape."""
        group = max(self.groups, key=lambda each: sum(value[0].size for value in each.feeds.values()))
        rows = (np.arange(TRACED)) % len(group.places)
        return {name: value[rows] for name, value in group.feeds.items()}

    def answer(self, feeds: Feeds) -> tuple[NDArray[Any], ...]:
        """Return the reference's outputs. Raises what the module raises."""
        with torch.no_grad():
            return tuple(value.numpy() for value in self.reference(*tensors(feeds)))


def subject_of(opened: Opened, fields: Fields) -> Subject:
    """Return the module with its examples. Raises PublishError if it does not take them."""
    wanted = [name for name in opened.inputs if name not in opened.optional]
    if UNNAMED not in fields.values:
        wanted = [name for name in opened.inputs if name in fields.values or name in wanted]
    if not wanted:
        raise PublishError(f"{opened.name}.forward takes no tensor: give a module whose forward takes its inputs")
    groups = grouped(fields.for_inputs(wanted))
    kinds = {name: value.dtype.kind for name, value in groups[0].feeds.items()}
    _check_batch(opened, wanted)
    opened, floats, notes = _in_single(opened)
    failure: Exception | None = None
    for tried in (kinds, dict.fromkeys(kinds, "f")):  # JSON has 1 for 1.0
        module = _module(opened, wanted, [floats if kind == "f" else MODULES[kind] for kind in tried.values()])
        typed = _typed(groups, tried)
        try:
            with torch.no_grad():
                first = {name: value[:TRACED] for name, value in typed[0].feeds.items()}
                outputs = _names(opened, module, first)
        except PublishError:
            raise
        except Exception as error:  # noqa: BLE001 - the author's code may raise anything
            failure = failure or error
            continue
        exported = module
        if floats == torch.float64:
            single = replace(opened, module=copy.deepcopy(opened.module).float())
            exported = _module(single, wanted, [MODULES[kind] for kind in tried.values()])
        return Subject(opened, module, exported, typed, outputs, _sizes(typed, wanted), notes)
    raise PublishError(
        f"{place(failure)}raises {type(failure).__name__} for the examples "
        f"({' '.join(str(failure).split())[:200]}): give examples as its forward takes them"
    )


def _check_batch(opened: Opened, names: list[str]) -> None:
    """Raise PublishError if a program was exported for one number of rows only."""
    for node in opened.program.graph.nodes if opened.program is not None else ():
        if node.op == "placeholder" and node.name in names and isinstance(node.meta["val"].shape[0], int):
            raise PublishError(
                f"the program was exported for {node.meta['val'].shape[0]} rows of {node.name} only: export it with "
                "dynamic_shapes, such as {0: torch.export.Dim('batch')} for each input"
            )


def _in_single(opened: Opened) -> tuple[Opened, Any, tuple[str, ...]]:
    """Return the module, the type of its numbers, and what the author should know. Raises PublishError."""
    found = {value.dtype for value in opened.module.state_dict().values() if value.dtype.is_floating_point}
    if found & set(HALVES):
        if opened.kind == "program":
            raise PublishError("the program computes in half precision: export module.float()")
        return (
            replace(opened, module=opened.module.float()),
            torch.float32,
            (*opened.notes, "its half-precision weights are served, and compared, in float32"),
        )
    if torch.float64 in found:
        if opened.kind == "program":
            raise PublishError("the program computes in float64, which requests do not: export module.float()")
        return opened, torch.float64, (*opened.notes, "its float64 weights are rounded to float32")
    return opened, torch.float32, opened.notes


def _module(opened: Opened, names: list[str], types: list[Any]) -> Any:
    module = Program(opened) if opened.kind == "program" else Flat(opened.module, names, types)
    module.training = False  # the exporter restores this mode in all parts; a program cannot change its own
    return module


def _typed(groups: list[Group], kinds: Mapping[str, str]) -> list[Group]:
    return [
        group._replace(feeds={name: value.astype(FED[kinds[name]]) for name, value in group.feeds.items()})
        for group in groups
    ]


def _names(opened: Opened, module: Any, feeds: Feeds) -> tuple[str, ...]:
    """Return the names of the outputs. Raises PublishError for outputs without one row for each row of the input."""
    if opened.kind == "program":
        arguments = tensors(feeds)
        values = module(*arguments)
        names = [f"output_{place}" for place in range(len(values))] if len(values) > 1 else ["output"]
    else:
        given = [value.to(kind) for value, kind in zip(tensors(feeds), module.types, strict=True)]
        found = leaves(opened.module(**dict(zip(module.names, given, strict=True))))
        names, values = [name for name, _ in found], [value for _, value in found]
    rows = len(next(iter(feeds.values())))
    for name, value in zip(names, values, strict=True):
        if value.shape[:1] != (rows,):
            raise PublishError(
                f"the module's output {name} has shape {tuple(value.shape)} for {rows} rows: return one row for each"
            )
    clean = [f"{name}_output" if name in feeds else name for name in names]
    if len(set(clean)) < len(clean):
        raise PublishError(f"the module's outputs have equal names, {', '.join(clean)}: give each its own")
    return tuple(clean)


def _sizes(groups: list[Group], names: list[str]) -> dict[str, dict[int, str]]:
    """Return the names of the axes that vary; axes that always have the same size share a name."""
    found: dict[tuple[int, ...], str] = {}
    sizes: dict[str, dict[int, str]] = {}
    for name in names:
        shapes = [group.feeds[name].shape for group in groups]
        sizes[name] = {0: "batch"}
        for axis in range(1, len(shapes[0])):
            seen = tuple(shape[axis] for shape in shapes)
            if len(set(seen)) > 1:
                sizes[name][axis] = found.setdefault(seen, f"{name}_{axis}")
    return sizes
