"""Modules as functions of tensors: inputs and outputs with names, in types that a graph can have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._pytree import SequenceKey, tree_flatten_with_path, tree_unflatten

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FED = {torch.bool: torch.int64, torch.int32: torch.int64, torch.float64: torch.float32}
"""The types of a module's inputs that a graph takes in another type: requests have float32 and int64."""
HALVES = (torch.float16, torch.bfloat16)
KEPT = (torch.float32, torch.float64, torch.int64, torch.int32, torch.bool, torch.uint8)


class Flat(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """A module whose forward takes its inputs in order, and returns a tuple of tensors.

    types: the type that the module itself gets of each input.
    """

    def __init__(self, module: Any, names: Sequence[str], types: Sequence[Any]) -> None:
        super().__init__()
        self.module, self.names, self.types = module, tuple(names), tuple(types)

    def forward(self, *given: Any) -> Any:
        """Return the outputs in order."""
        values = [value.to(kind) for value, kind in zip(given, self.types, strict=True)]
        found = self.module(**dict(zip(self.names, values, strict=True)))
        return tuple(_kept(value) for _, value in leaves(found))


class Program(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """An exported program as such a module."""

    def __init__(self, opened: Any) -> None:
        super().__init__()
        self.module, self.spec = opened.module, opened.program.call_spec.in_spec

    def forward(self, *given: Any) -> Any:
        """Return the outputs in order."""
        arguments, named = tree_unflatten(list(given), self.spec)
        return tuple(_kept(value) for _, value in leaves(self.module(*arguments, **named)))


def leaves(found: Any) -> list[tuple[str, Any]]:
    """Return the tensors in a module's result with their names. Raises PublishError for other values."""
    flat, _ = tree_flatten_with_path(found)
    named = []
    for path, value in flat:
        name = "_".join(f"output_{key.idx}" if isinstance(key, SequenceKey) else _name(key) for key in path) or "output"
        if value is None:
            raise PublishError(f"the module returns None in {name}: return tensors only")
        if not isinstance(value, torch.Tensor):
            raise PublishError(f"the module returns a {type(value).__name__} in {name}: return tensors only")
        if value.dtype not in KEPT and value.dtype not in HALVES:
            raise PublishError(f"the module returns {value.dtype} in {name}: return float32 or int64")
        named.append((re.sub(r"\W", "_", name), value))
    if not named:
        raise PublishError("the module returns no tensors: return its predictions")
    return named


def tensors(feeds: Mapping[str, NDArray[Any]]) -> tuple[Any, ...]:
    """Return arrays as tensors, in order."""
    return tuple(torch.from_numpy(value.copy()) for value in feeds.values())


def _name(key: Any) -> str:
    return str(getattr(key, "key", getattr(key, "name", key)))


def _kept(value: Any) -> Any:
    return value.float() if value.dtype in HALVES else value
