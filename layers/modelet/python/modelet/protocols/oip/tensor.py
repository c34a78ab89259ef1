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
"""A double can represent every integer up to this one."""


class Tensor:
    """One input tensor with flattened data, whose element types are not checked yet.

    shape: without variable sizes. elements: as many as the shape requires, in row-major order.
    """

    __slots__ = ("datatype", "elements", "name", "shape")

    def __init__(self, name: str, datatype: str, shape: list[int], elements: list[Any]) -> None:
        self.name = name
        self.datatype = datatype
        self.shape = shape
        self.elements = elements

    @classmethod
    def read(cls, item: dict[str, Any]) -> Tensor:
        """Read a `$request_input` whose members have the right JSON types. Raises RequestError with its name."""
        name, shape, parameters = item["name"], item["shape"], item.get("parameters") or {}
        if "binary_data_size" in parameters or "shared_memory_region" in parameters:
            raise RequestError(f"{shown(name)} has its data outside the JSON body: {JSON_ONLY}")
        if "data" not in item:
            raise RequestError(f"{shown(name)} has no data: {JSON_ONLY}")
        return cls(name, known(item["datatype"]), shape, _flatten(name, item["data"], shape))

    @property
    def rows(self) -> int:
        """The first dimension, which is the number of instances."""
        return self.shape[0] if self.shape else 0

    def error(self, reason: str) -> RequestError:
        """Return an error that names this tensor and the reason."""
        return RequestError(f"{shown(self.name)}, {self.datatype} of shape {self.shape}: {reason}")

    def floats(self, *, nullable: bool) -> list[Any] | None:
        """Return the checked elements of a floating tensor; None if `values` must convert them or report an error."""
        if self.datatype not in FLOATS:
            return None
        try:
            return check(self.datatype, self.elements, nullable=nullable)
        except ElementError:
            return None

    def values(self, declared: str, *, nullable: bool) -> list[Any]:
        """Return the elements as values for a tensor of the datatype `declared` in the metadata.

        Integral floats become integers if INT64 is declared. Raises RequestError with the index of an element that does
        not fit the tensor's own datatype or the declared one.
        """
        try:
            elements = check(self.datatype, self.elements, nullable=nullable)
        except ElementError as error:
            raise self.error(f"element {error.index}: {error}") from None
        if declared == "INT64" and self.datatype in FLOATS:
            return [int(each) if each is not None and each.is_integer() else each for each in elements]
        if declared == "FP64" and self.datatype in {"INT64", "UINT64"} and not _are_exact(elements):
            for index, each in enumerate(elements):
                if each is not None and not -EXACT <= each <= EXACT and int(float(each)) != each:
                    raise self.error(f"element {index}: FP64 cannot represent {each}")
        return elements


JSON_ONLY = (
    "this server supports tensors as JSON only, without the binary and shared memory extensions "
    "(in tritonclient: set_data_from_numpy(..., binary_data=False))"
)


def _are_exact(elements: list[Any]) -> bool:
    """Return whether a double can represent all elements, which are integers; False if one is None."""
    return None not in elements and (not elements or (min(elements) >= -EXACT and max(elements) <= EXACT))


def shown(name: str) -> str:
    """Return a tensor's name for a message."""
    return f"The tensor {name[:100]!r}"


def _flatten(name: str, data: list[Any], shape: list[int]) -> list[Any]:
    """Return the data in row-major order, whether it came flat or nested like its shape."""
    if not data or not isinstance(data[0], list):
        if len(data) != prod(shape):
            raise RequestError(f"{shown(name)} has {len(data)} elements, but its shape {shape} holds {prod(shape)}.")
        return data
    level: list[Any] = [data]
    for depth, size in enumerate(shape):
        for part in level:
            if not isinstance(part, list) or len(part) != size:
                found = f"{len(part)} elements" if isinstance(part, list) else "not a list"
                raise RequestError(f"{shown(name)} does not have its shape {shape}: {found} at depth {depth}.")
        level = list(chain.from_iterable(level))
    return level
