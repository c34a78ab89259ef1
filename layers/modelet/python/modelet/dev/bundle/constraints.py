"""Find constraints that cannot apply to their type's values: pydantic accepts them, but fails at the first value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modelet.contract.schema import DATA
from modelet.dev.bundle.domain import definitions_of, is_constraint, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core
    from modelet.dev.bundle.domain import Part

SAMPLES = {"number": 1.5, "integer": 1, "boolean": True, "string": "a", "null": None}


def inapplicable(core: Core) -> Iterator[str]:
    """Yield one sentence for each constraint in a core schema that cannot apply."""
    _, known = definitions_of(core)
    yield from _found(core, [], known)


def _found(node: Any, path: list[str], known: dict[str, Core]) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for child in node:
            yield from _found(child, path, known)
    elif isinstance(node, dict):
        where = f"field {'.'.join(path)}: " if path else ""
        for constraint, part in _misapplied(node, known):
            yield f"{where}the constraint {constraint} cannot apply to {part.title}"
        for name, child in _children(node):
            yield from _found(child, [*path, name] if name else path, known)


def _children(node: Core) -> Iterator[tuple[str, Any]]:
    """Yield the schemas inside a schema, each with the name of its field, if it has one."""
    for key, child in node.items():
        if key == "fields" and isinstance(child, dict):
            yield from child.items()
        elif key == "fields":
            yield from ((field["name"], field) for field in child if isinstance(field, dict))
        elif key not in DATA:
            yield "", child


def _misapplied(node: Core, known: dict[str, Core]) -> Iterator[tuple[str, Part]]:
    """Yield the constraints of one node that cannot apply, each with the values that it does not apply to."""
    kind = node.get("type")
    if kind == "function-after" and is_constraint(node):
        function = node["function"]["function"]
        name = next(iter(function.keywords)) if isinstance(function, partial) else "allow_inf_nan"
        for part in parts_of(node["schema"], known):
            if part.kind not in {"open", "other"} and not _applies(function, SAMPLES.get(part.kind, part.value)):
                yield name, part
    if kind == "chain" and _is_for_texts(node["steps"][-1]):
        name = ", ".join(key for key in node["steps"][-1]["schema"] if key not in {"type", "metadata"})
        for part in parts_of(node["steps"][0], known):
            if part.kind != "open" and not isinstance(SAMPLES.get(part.kind, part.value), str):
                yield name, part


def _applies(function: Any, value: Any) -> bool:
    try:
        function(value)
    except TypeError:
        return False
    except Exception:  # noqa: BLE001 - pydantic-core's error: the constraint applies, and rejects the sample
        return True
    return True


def _is_for_texts(step: Core) -> bool:
    """Return whether pydantic added this step for a string constraint on a type that is not a string."""
    function = step.get("function", {}).get("function")
    return step.get("type") == "function-wrap" and "apply_known_metadata" in getattr(function, "__qualname__", "")
