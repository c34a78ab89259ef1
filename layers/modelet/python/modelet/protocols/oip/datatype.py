"""The datatypes of tensor elements in the Open Inference Protocol, and the validation of JSON values against them.

Source: Open Inference Protocol v2, REST, "Tensor Data Types". JSON has one kind of number, so an element's bounds are
those of its datatype; BF16, which some servers support, has no JSON form.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from modelet.contract.schema import SchemaValidator, ValidationError
from modelet.errors import RequestError

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


def _integer(low: int, high: int) -> dict[str, Any]:
    return {"type": "int", "strict": True, "ge": low, "le": high}


def _floating(bound: float | None = None) -> dict[str, Any]:
    bounds = {} if bound is None else {"gt": -bound, "lt": bound}
    return {"type": "float", "strict": True, "allow_inf_nan": False, **bounds}


_ELEMENTS: dict[str, dict[str, Any]] = {
    "BOOL": {"type": "bool", "strict": True},
    **{f"UINT{bits}": _integer(0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": _integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    # IEEE 754 rounds to infinity from half a unit above the largest finite number.
    "FP16": _floating(65_520.0),
    "FP32": _floating(2.0**128 - 2.0**103),
    "FP64": _floating(),
    "BYTES": {"type": "str", "strict": True},
}

DATATYPES = tuple(_ELEMENTS)
INTEGERS = tuple(name for name in DATATYPES if "INT" in name)
FLOATS = ("FP16", "FP32", "FP64")

ACCEPTED = {"FP64": FLOATS + INTEGERS, "INT64": INTEGERS + FLOATS, "BOOL": ("BOOL",), "BYTES": ("BYTES",)}
"""The datatypes that a client may send for each one that our metadata declares."""


class ElementError(ValueError):
    """An element does not have its tensor's datatype.

    index: its index in row-major order.
    """

    def __init__(self, index: int, message: str) -> None:
        self.index = index
        super().__init__(message)


def known(datatype: str) -> str:
    """Return the datatype unchanged. Raises RequestError for one that no JSON tensor can have."""
    if datatype in _ELEMENTS:
        return datatype
    if datatype == "BF16":
        raise RequestError("The datatype BF16 has no JSON form: send FP32.")
    raise RequestError(f"There is no datatype {datatype[:20]!r}: use {', '.join(DATATYPES)}.")


def check(datatype: str, elements: list[Any], *, nullable: bool = False) -> list[Any]:
    """Return the elements of a tensor as values of its datatype; integers in a floating tensor become floats.

    nullable: whether null is allowed, for a missing value. Raises ElementError for the first element that has another
    type, is outside the datatype's bounds, or is NaN or infinite.
    """
    try:
        return cast("list[Any]", _validator(datatype, nullable).validate_python(elements))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ElementError(int(first["loc"][0]), first["msg"]) from None


@cache
def _validator(datatype: str, nullable: bool) -> SchemaValidator:
    element = _ELEMENTS[datatype]
    if nullable:
        element = {"type": "nullable", "schema": element}
    return SchemaValidator(cast("CoreSchema", {"type": "list", "items_schema": element, "fail_fast": True}))
