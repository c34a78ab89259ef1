"""Core schemas for pydantic-core, and the rules that we add to the author's. Only this module imports pydantic-core."""

from __future__ import annotations

import fractions  # noqa: F401 - pydantic-core imports it when it checks its first number: better in the init
import json
from typing import TYPE_CHECKING, Any

from modelet.shortcuts import native_pydantic_core

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import (
        PydanticSerializationError,
        SchemaSerializer,
        SchemaValidator,
        ValidationError,
        from_json,
        to_json,
    )
    from pydantic_core import __version__ as PYDANTIC_CORE  # noqa: N812 - a constant

    Core = dict[str, Any]

__all__ = [
    "PYDANTIC_CORE",
    "PydanticSerializationError",
    "SchemaSerializer",
    "SchemaValidator",
    "ValidationError",
    "around",
    "compact",
    "from_json",
    "tighten",
    "to_json",
]

if not TYPE_CHECKING:
    _native = native_pydantic_core()
    PYDANTIC_CORE = _native.__version__
    PydanticSerializationError = _native.PydanticSerializationError
    SchemaSerializer, SchemaValidator = _native.SchemaSerializer, _native.SchemaValidator
    ValidationError = _native.ValidationError
    from_json, to_json = _native.from_json, _native.to_json

DATA = frozenset({"config", "default", "discriminator", "expected", "metadata", "ref", "schema_ref"})
"""Members of a schema that contain values, not schemas."""
NAMES = frozenset({"choices", "fields"})
"""Members of a schema that, if they are a mapping, have names that the author chose as keys."""
RECORDS = {"model": "model-fields", "dataclass": "dataclass-args", "typed-dict": "typed-dict"}


def tighten(core: Core, *, returned: bool = False) -> Core:
    """Return a copy of a core schema with stricter defaults.

    Floats reject NaN and infinity, objects reject unknown fields; the author's own configuration takes precedence.
    returned: the schema is for values that the author's code returns. Then objects are validated again, by the names of
    their fields, and NaN is written as `NaN`, so that it can be found.
    """
    return _Tightening(returned).schema(core, {})


class _Tightening:
    """One walk through a schema."""

    def __init__(self, returned: bool) -> None:
        self._returned = returned

    def schema(self, node: Core, config: Core) -> Core:
        node = dict(node)
        kind = node.get("type")
        config = node.get("config") or config
        if kind == "float" and "allow_inf_nan" not in config:
            node.setdefault("allow_inf_nan", False)
        if kind in RECORDS.values() and "extra_fields_behavior" not in config:
            node["extra_behavior"] = "forbid"
        if kind in RECORDS and self._returned:
            node["config"] = {**config, "ser_json_inf_nan": "constants", "validate_by_name": True}
            if kind != "typed-dict":
                node["revalidate_instances"] = "always"
        return {key: child if key in DATA else self._member(key, child, config) for key, child in node.items()}

    def _member(self, key: str, child: Any, config: Core) -> Any:
        if isinstance(child, list):
            return [self._member(key, item, config) for item in child]
        if isinstance(child, tuple):  # a union's choice with its label
            return tuple(self._member(key, item, config) for item in child)
        if not isinstance(child, dict):
            return child
        if key in NAMES and not isinstance(child.get("type"), str):
            return {name: self._member("", item, config) for name, item in child.items()}
        return self.schema(child, config)


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Encode a value as JSON text without spaces. Raises ValueError for NaN and infinity."""


def around(core: Core, wrap: Callable[[Core], Core]) -> Core:
    """Wrap a schema, keeping its shared definitions outermost."""
    if core["type"] == "definitions":
        return {**core, "schema": wrap(core["schema"])}
    return wrap(core)
