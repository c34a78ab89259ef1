"""Core schemas as JSON: what pydantic made of a type, kept so that pydantic-core alone can serve it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import SchemaError, SchemaValidator

from modelet.contract import tighten

if TYPE_CHECKING:
    from modelet.contract import Core


@dataclass(frozen=True, slots=True)
class CompiledType:
    """A type's core schema as plain data, or None and the reason why only pydantic can serve it."""

    core: Core | None
    reason: str = ""


class _NotJsonError(Exception):
    """A part of a schema is a Python object."""


def compile_type(kind: Any) -> CompiledType:
    """Compile a type. The same type gives the same data in every process.

    Where a part is not JSON (classes, enums, Python validators, patterns), `reason` names the field and the part.
    """
    try:
        core = _plain(tighten(_copy(TypeAdapter(kind).core_schema)), [], {})
        SchemaValidator(json.loads(json.dumps(core)))
    except _NotJsonError as error:
        return CompiledType(None, str(error))
    except SchemaError as error:
        return CompiledType(None, f"pydantic-core cannot read its schema back: {error}")
    return CompiledType(core)


def _copy(core: Any) -> Any:
    """A copy of a schema's containers; leaves (classes, functions) stay the same objects."""
    if isinstance(core, dict):
        return {key: _copy(value) for key, value in core.items()}
    if isinstance(core, list):
        return [_copy(value) for value in core]
    return copy.copy(core) if isinstance(core, set) else core


def _plain(node: Any, path: list[str], names: dict[str, str]) -> Any:
    """A node as JSON. Dropped: metadata, and the class of a typed dict, which validation does not use.

    names: pydantic's names of shared definitions hold memory addresses; they become numbers in order of appearance.
    """
    if node is None or isinstance(node, bool | int | float | str):
        return node
    if isinstance(node, list):
        return [_plain(child, path, names) for child in node]
    if not isinstance(node, dict):
        where = f"field {'.'.join(path)} " if path else ""
        raise _NotJsonError(f"{where}needs {_title(node)}, which only Python can run")
    plain: dict[str, Any] = {}
    for key, child in node.items():
        if key == "metadata" or (key == "cls" and node.get("type") == "typed-dict"):
            continue
        if key in {"ref", "schema_ref"}:
            plain[key] = names.setdefault(child, f"definition-{len(names) + 1}")
        elif key == "fields" and isinstance(child, dict):
            plain[key] = {name: _plain(part, [*path, name], names) for name, part in child.items()}
        else:
            plain[key] = _plain(child, path, names)
    return plain


def _title(part: Any) -> str:
    name = getattr(part, "__qualname__", None) or repr(part)
    kind = "the class" if isinstance(part, type) else "the function" if callable(part) else "the value"
    return f"{kind} {name}"
