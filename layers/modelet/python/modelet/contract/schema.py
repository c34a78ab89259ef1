"""Core schemas: what pydantic-core checks, and what we ask of them beyond what the author wrote; its only door."""

from __future__ import annotations

import fractions  # noqa: F401 - pydantic-core asks for it at the first number it checks: better in the init
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
    from pydantic_core import __version__ as PYDANTIC_CORE  # noqa: N812 - a constant of ours

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
    _found = native_pydantic_core()
    PYDANTIC_CORE = _found.__version__
    PydanticSerializationError = _found.PydanticSerializationError
    SchemaSerializer, SchemaValidator = _found.SchemaSerializer, _found.SchemaValidator
    ValidationError = _found.ValidationError
    from_json, to_json = _found.from_json, _found.to_json

DATA = frozenset({"config", "default", "discriminator", "expected", "metadata", "ref", "schema_ref"})
"""Members of a schema that hold values and no further schema."""
NAMES = frozenset({"choices", "fields"})
"""Members of a schema whose keys, where they are a mapping, are the author's own words."""
RECORDS = {"model": "model-fields", "dataclass": "dataclass-args", "typed-dict": "typed-dict"}


def tighten(core: Core, *, returned: bool = False) -> Core:
    """A copy of a core schema with what the author left open filled in.

    Floats refuse NaN and infinity, objects refuse unknown fields; what the author's own config says stays as it is.
    returned: the schema is of what the author's code returns. Objects that it built are then checked like any other
    value, by their fields' own names, and a NaN that nobody checks is written as itself, so that it can be seen.
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
        if isinstance(child, tuple):  # a choice of a union with its label
            return tuple(self._member(key, item, config) for item in child)
        if not isinstance(child, dict):
            return child
        if key in NAMES and not isinstance(child.get("type"), str):
            return {name: self._member("", item, config) for name, item in child.items()}
        return self.schema(child, config)


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""What JSON has as text, without a space. Raises ValueError for NaN and infinity."""


def around(core: Core, wrap: Callable[[Core], Core]) -> Core:
    """Wrap a schema, keeping its shared definitions outermost."""
    if core["type"] == "definitions":
        return {**core, "schema": wrap(core["schema"])}
    return wrap(core)
