"""A tensor of an Open Inference Protocol request: its name, datatype, shape, and elements in row-major order.

Source: Open Inference Protocol v2, REST, "Request Input" and "Tensor Data".
"""

from __future__ import annotations

from itertools import chain
from math import prod
from typing import Any

from modelet.errors import RequestError
from modelet.protocols.oip.datatype import FLOATS, ElementError, check, known

EXACT = 2**53
"""Up to here every whole number is a double."""


class Tensor:
    """One input tensor, its data flattened; element types are checked by those who know what they are for.

    shape: never with a variable size. elements: as many as the shape says, in row-major order.
    """

    __slots__ = ("datatype", "elements", "name", "shape")

    def __init__(self, name: str, datatype: str, shape: list[int], elements: list[Any]) -> None:
        self.name = name
        self.datatype = datatype
        self.shape = shape
        self.elements = elements

    @classmethod
    def read(cls, item: dict[str, Any]) -> Tensor:
        """Read a `$request_input` whose members have the right JSON types. Raises RequestError naming the tensor."""
        name, shape, parameters = item["name"], item["shape"], item.get("parameters") or {}
        if "binary_data_size" in parameters or "shared_memory_region" in parameters:
            raise RequestError(f"{shown(name)} has its data elsewhere: {JSON_ONLY}")
        if "data" not in item:
            raise RequestError(f"{shown(name)} has no data: {JSON_ONLY}")
        return cls(name, known(item["datatype"]), shape, _flatten(name, item["data"], shape))

    @property
    def rows(self) -> int:
        """The first dimension: how many instances the tensor speaks of."""
        return self.shape[0] if self.shape else 0

    def refuse(self, reason: str) -> RequestError:
        """The error that says what is wrong with this tensor."""
        return RequestError(f"{shown(self.name)}, {self.datatype} of shape {self.shape}: {reason}")

    def floats(self, *, nullable: bool) -> list[Any] | None:
        """The elements of a floating tensor, all checked at once; None where `values` has more to do or to say."""
        if self.datatype not in FLOATS:
            return None
        try:
            return check(self.datatype, self.elements, nullable=nullable)
        except ElementError:
            return None

    def values(self, declared: str, *, nullable: bool) -> list[Any]:
        """The elements as values for a tensor that the metadata declares as `declared`.

        Whole floats become integers where integers are declared. Raises RequestError naming the element that is not of
        the tensor's own datatype, or that the declared one cannot hold.
        """
        try:
            elements = check(self.datatype, self.elements, nullable=nullable)
        except ElementError as error:
            raise self.refuse(f"element {error.index}: {error}") from None
        if declared == "INT64" and self.datatype in FLOATS:
            return [int(each) if each is not None and each.is_integer() else each for each in elements]
        if declared == "FP64" and self.datatype in {"INT64", "UINT64"} and not _are_exact(elements):
            for index, each in enumerate(elements):
                if each is not None and not -EXACT <= each <= EXACT and int(float(each)) != each:
                    raise self.refuse(f"element {index}: {each} is not a number that FP64 can hold")
        return elements


JSON_ONLY = (
    "this server takes tensors as JSON only, without the binary and shared memory extensions "
    "(in tritonclient: set_data_from_numpy(..., binary_data=False))"
)


def _are_exact(elements: list[Any]) -> bool:
    """Whether all elements, integers or None, are so small that every whole number is a double."""
    return None not in elements and (not elements or (min(elements) >= -EXACT and max(elements) <= EXACT))


def shown(name: str) -> str:
    """A tensor's name, fit for a message."""
    return f"The tensor {name[:100]!r}"


def _flatten(name: str, data: list[Any], shape: list[int]) -> list[Any]:
    """Data in row-major order, whether it came flat or nested as its shape."""
    if not data or not isinstance(data[0], list):
        if len(data) != prod(shape):
            raise RequestError(f"{shown(name)} has {len(data)} elements, but its shape {shape} holds {prod(shape)}.")
        return data
    level: list[Any] = [data]
    for depth, size in enumerate(shape):
        for part in level:
            if not isinstance(part, list) or len(part) != size:
                found = f"{len(part)} elements" if isinstance(part, list) else "no list"
                raise RequestError(f"{shown(name)} is nested unlike its shape {shape}: {found} at depth {depth}.")
        level = list(chain.from_iterable(level))
    return level
