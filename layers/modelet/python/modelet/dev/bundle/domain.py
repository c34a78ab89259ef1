"""Read the values that a type accepts from its core schema: kinds, bounds, and listed values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from modelet.contract.schema import Core

Kind = Literal["number", "integer", "boolean", "string", "datetime", "date", "null", "value", "open", "other"]

INSIDE = {
    "function-before": "schema",
    "custom-error": "schema",
    "lax-or-strict": "lax_schema",
    "json-or-python": "json_schema",
}
"""Schemas that accept the values of an inner schema, by its key."""

CONSTRAINTS = "pydantic._internal._validators"
"""The module of pydantic's functions for constraints that a type's own validator does not support."""
MAKERS = {
    CONSTRAINTS,
    "pydantic._internal._generate_schema",
    "pydantic._internal._std_types_schema",
    "pydantic.color",
    "pydantic.networks",
    "pydantic.types",
}
"""The modules of pydantic's functions that create objects of pydantic's own types."""
RETURNED: dict[str, Kind] = {"str": "string", "ByteSize": "integer"}
"""The functions of these modules that return a plain value, by their return annotation."""
ENUMERATED = 1_000
"""The largest range of whole numbers that is listed number by number."""


@dataclass(frozen=True, slots=True)
class Part:
    """A subset of the values that a field accepts.

    kind: null is None; value is one listed value; open is the unknown result of the author's code; other fits no
    column. title: its name in messages. low, high: the inclusive bounds of numbers. is_whole: whether numbers have no
    fraction. is_finite: whether NaN and infinity are rejected. zone: "naive" or "aware" if only such datetimes are
    accepted, empty for both.
    """

    kind: Kind
    title: str
    low: float | Decimal = -math.inf
    high: float | Decimal = math.inf
    is_whole: bool = False
    is_finite: bool = True
    value: Any = None
    zone: str = ""

    def values(self) -> list[Any] | None:
        """Return all values, or None if there are too many to list."""
        if self.kind == "boolean":
            return [False, True]
        if self.kind == "value":
            return [self.value]
        if self.is_whole and math.isfinite(self.low) and math.isfinite(self.high):
            found = range(math.ceil(self.low), math.floor(self.high) + 1)
            return list(found) if len(found) <= ENUMERATED else None
        return None


def definitions_of(core: Core) -> tuple[Core, dict[str, Core]]:
    """Return a core schema without its outer definitions, and these definitions by name."""
    known: dict[str, Core] = {}
    while core["type"] == "definitions":
        known |= {each["ref"]: each for each in core["definitions"]}
        core = core["schema"]
    return core, known


def alternatives(core: Core, known: dict[str, Core]) -> Iterator[tuple[Core, dict[str, Core]]]:
    """Yield the alternatives of a core schema, without the schemas that only choose between them or check the input.

    known: shared definitions by name. Each alternative comes with the definitions that it needs.
    """
    kind = core["type"]
    if kind == "definitions":
        inner, more = definitions_of(core)
        yield from alternatives(inner, known | more)
    elif kind == "definition-ref":
        yield from alternatives(known[core["schema_ref"]], known)
    elif kind in {"union", "tagged-union"}:
        choices = core["choices"].values() if isinstance(core["choices"], dict) else core["choices"]
        for choice in choices:
            yield from alternatives(choice[0] if isinstance(choice, tuple) else choice, known)
    elif kind == "chain":
        yield from alternatives(core["steps"][-1], known)
    elif kind in INSIDE:
        yield from alternatives(core[INSIDE[kind]], known)
    else:
        yield core, known


def parts_of(core: Core, known: dict[str, Core]) -> Iterator[Part]:
    """Yield the values that a core schema accepts. known: shared definitions by name."""
    for one, names in alternatives(core, known):
        kind = one["type"]
        if kind == "nullable":
            yield Part("null", "None")
            yield from parts_of(one["schema"], names)
        elif kind == "default":
            yield from _default(one)
            yield from parts_of(one["schema"], names)
        elif kind == "function-after":
            yield from _constrained(one, names)
        elif kind in {"function-wrap", "function-plain"}:
            yield _returned(one)
        elif kind in {"is-instance", "call"}:
            yield Part("open", "the result of one of your functions")
        else:
            yield from _scalars(one)


def _scalars(core: Core) -> Iterator[Part]:
    kind = core["type"]
    if kind in {"float", "decimal", "int"}:
        title = {"float": "float", "decimal": "Decimal", "int": "int"}[kind]
        is_finite = kind == "int" or not core.get("allow_inf_nan", kind == "float")
        whole = kind == "int" or core.get("decimal_places") == 0 or _is_whole(core.get("multiple_of"))
        part = Part("integer" if kind == "int" else "number", title, is_whole=whole, is_finite=is_finite)
        yield _bounded(part, {name: core[name] for name in ("ge", "gt", "le", "lt") if core.get(name) is not None})
    elif kind == "bool":
        yield Part("boolean", "bool")
    elif kind == "str":
        yield Part("string", "str")
    elif kind == "datetime":
        zone = core.get("tz_constraint")
        yield Part("datetime", "datetime", zone=zone if isinstance(zone, str) else "aware" if zone is not None else "")
    elif kind == "date":
        yield Part("date", "date")
    elif kind == "none":
        yield Part("null", "None")
    elif kind == "literal":
        yield from map(_listed, core["expected"])
    elif kind == "enum":
        yield from map(_listed, core["members"])
    else:
        cls = core.get("cls")
        yield Part("other", cls.__name__ if isinstance(cls, type) else kind)


def _listed(value: Any) -> Part:
    plain = value.value if isinstance(value, Enum) else value
    return Part("null", "None") if plain is None else Part("value", repr(plain), value=plain)


def _default(core: Core) -> Iterator[Part]:
    """Yield the default value of a field, which pydantic does not validate."""
    if "default_factory" in core:
        yield Part("open", "the result of default_factory")
    elif "default" in core:
        part = _listed(core["default"])
        yield replace(part, title=f"the default {part.title}")


def _constrained(core: Core, known: dict[str, Core]) -> Iterator[Part]:
    """Yield the values after a function: pydantic's own keep the bounds, any other may return any value."""
    function = core["function"]["function"]
    if not is_constraint(core):
        yield _returned(core)
        return
    bounds = function.keywords if isinstance(function, partial) else {"allow_inf_nan": False}
    for part in parts_of(core["schema"], known):
        if part.kind in {"number", "integer"}:
            whole = part.is_whole or _is_whole(bounds.get("multiple_of")) or bounds.get("decimal_places") == 0
            part = replace(part, is_whole=whole, is_finite=part.is_finite or "allow_inf_nan" in bounds)  # noqa: PLW2901
            yield _bounded(part, bounds)
        elif part.kind in {"value", "boolean"}:
            for value in part.values() or ():
                if _keeps(value, function):
                    yield _listed(value)
        else:
            yield part


def _returned(core: Core) -> Part:
    """Return the values that a function returns: pydantic's own create objects that no column holds."""
    function = _inner(core)
    if getattr(function, "__module__", "") not in MAKERS:
        return Part("open", "the result of one of your functions")
    returns = getattr(function, "__annotations__", {}).get("return")
    kind = RETURNED.get(getattr(returns, "__name__", str(returns)))
    if kind is None:
        title = function.__name__ if isinstance(function, type) else "an object that pydantic creates"
        return Part("other", title)
    return Part(kind, str(returns), is_whole=kind == "integer")


def _keeps(value: Any, function: Any) -> bool:
    try:
        function(value)
    except Exception:  # noqa: BLE001 - pydantic-core's error, or the constraint does not apply
        return False
    return True


def is_constraint(core: Core) -> bool:
    """Return whether a function-after is one of pydantic's constraints, such as `Ge` of a union."""
    return getattr(_inner(core), "__module__", "") == CONSTRAINTS


def _inner(core: Core) -> Any:
    """Return the function of a schema, without its bound arguments."""
    function = core["function"]["function"]
    return function.func if isinstance(function, partial) else function


def _bounded(part: Part, bounds: dict[str, Any]) -> Part:
    """Return a part with further bounds; an exclusive bound of whole numbers becomes the next number."""
    lows = [part.low, *(bounds[name] for name in ("ge", "gt") if name in bounds)]
    highs = [part.high, *(bounds[name] for name in ("le", "lt") if name in bounds)]
    if part.is_whole:
        lows += [math.floor(bounds["gt"]) + 1] if "gt" in bounds else []
        highs += [math.ceil(bounds["lt"]) - 1] if "lt" in bounds else []
    return replace(part, low=max(lows), high=min(highs))


def _is_whole(step: Any) -> bool:
    return step is not None and step == int(step)
