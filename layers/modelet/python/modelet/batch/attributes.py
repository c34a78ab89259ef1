"""The attributes of DynamoDB's items as Python values, without the Decimals of boto3's resources."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Item = dict[str, Any]
"""An item as Python values: texts, whole numbers, floats, flags, bytes, None, lists and dictionaries of them."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in DynamoDB's form; members that are None are left out.

    Raises ValueError for a number that is not finite, TypeError for a type that has no form.
    """
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def to_attribute(value: Any) -> dict[str, Any]:
    """Return a value in DynamoDB's form. Raises ValueError and TypeError as `to_item`."""
    if type(value) not in _FORMS:
        raise TypeError(f"DynamoDB has no form for a {type(value).__name__}")
    kind, form = _FORMS[type(value)]
    return {kind: form(value)}


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"DynamoDB has no number {value}")
    return repr(value)


def _list(value: Sequence[Any]) -> list[dict[str, Any]]:
    return [to_attribute(each) for each in value]


def _map(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: to_attribute(each) for name, each in value.items()}


_FORMS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    type(None): ("NULL", lambda _: True),
    bool: ("BOOL", bool),
    str: ("S", str),
    int: ("N", str),
    float: ("N", _number),
    bytes: ("B", bytes),
    list: ("L", _list),
    tuple: ("L", _list),
    dict: ("M", _map),
}


def from_item(item: Mapping[str, Any]) -> Item:
    """Return an item's values. A float that is whole comes back as an int, because DynamoDB drops its `.0`."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """Return the value of an attribute. Raises TypeError for sets, which nothing here writes."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL" | "B":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [from_attribute(each) for each in value]
        case "M":
            return from_item(value)
    raise TypeError(f"an attribute of the kind {kind} is not expected here")
