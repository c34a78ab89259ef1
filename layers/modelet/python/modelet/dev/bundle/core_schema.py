"""Compile types to core schemas in JSON, so that pydantic-core can validate them without pydantic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import SchemaError, SchemaValidator

from modelet.contract.schema import DATA, tighten
from modelet.dev.bundle.encoding import unencoded, with_base64
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.contract.schema import Core


@dataclass(frozen=True, slots=True)
class CompiledType:
    """A type's core schema as plain data, or None and the reason why it needs pydantic."""

    core: Core | None
    reason: str = ""


class _NotJsonError(Exception):
    """A part of a schema is a Python object."""


def compile_type(kind: Any, *, returned: bool = False) -> CompiledType:
    """Compile a type. The same type gives the same data in every process. Raises CommandError.

    returned: see `tighten`. Bytes in an instance are base64 in JSON.

    If a part is not JSON (a class, enum, Python validator or pattern), `reason` names the field and the part.
    """
    try:
        tight = tighten(dict(TypeAdapter(kind).core_schema), returned=returned)
        core = _plain(tight if returned else with_base64(tight), [], {})
        read_back = json.loads(json.dumps(core))
        SchemaValidator(read_back)
    except _NotJsonError as error:
        if not returned and unencoded(tight):
            raise CommandError(
                f"the instance {error}, and pydantic reads its bytes as text: write them as base64, with "
                'val_json_bytes="base64" in the configuration (ConfigDict) of each class that has bytes'
            ) from None
        return CompiledType(None, str(error))
    except SchemaError as error:
        return CompiledType(None, f"has a schema that pydantic-core cannot read back: {error}")
    if read_back != core:
        return CompiledType(None, "has a default that JSON would change")
    return CompiledType(core)


def _plain(node: Any, path: list[str], names: dict[str, str], *, is_data: bool = False) -> Any:
    """Return a node as JSON, without metadata and the class of a typed dict, which validation does not use.

    names: pydantic's names of shared definitions hold memory addresses; they become numbers in order of appearance.
    is_data: the node is a value (a default, an expected literal), whose keys mean nothing to a schema.
    """
    if node is None or isinstance(node, bool | int | float | str):
        return node
    if isinstance(node, list):
        return [_plain(child, path, names, is_data=is_data) for child in node]
    if not isinstance(node, dict) or not all(isinstance(key, str) for key in node):
        where = f"field {'.'.join(path)} " if path else ""
        raise _NotJsonError(f"{where}needs {_title(node)}, which only Python can run")
    if is_data:
        return {key: _plain(child, path, names, is_data=True) for key, child in node.items()}
    plain: dict[str, Any] = {}
    for key, child in node.items():
        if key == "metadata" or (key == "cls" and node.get("type") == "typed-dict"):
            continue
        if key in {"ref", "schema_ref"}:
            plain[key] = names.setdefault(child, f"definition-{len(names) + 1}")
        elif key == "fields" and isinstance(child, dict):
            plain[key] = {name: _plain(part, [*path, name], names) for name, part in child.items()}
        elif key == "choices" and isinstance(child, dict):
            tags = _plain(dict.fromkeys(child), path, names, is_data=True)
            plain[key] = {tag: _plain(part, path, names) for tag, part in zip(tags, child.values(), strict=True)}
        else:
            plain[key] = _plain(child, path, names, is_data=key in DATA)
    return plain


def _title(part: Any) -> str:
    name = getattr(part, "__qualname__", None) or repr(part)
    kind = "the class" if isinstance(part, type) else "the function" if callable(part) else "the value"
    return f"{kind} {name[:80]}"
