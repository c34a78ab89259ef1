"""The names of an instance's fields, for inputs with further columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelet.contract.schema import Core


def field_names(core: Core) -> frozenset[str] | None:
    """Return the names under which an instance's fields may be sent, aliases included.

    None if an instance is not an object with known fields, or if it accepts further ones.
    """
    node: Any = core
    definitions = {each.get("ref"): each for each in core.get("definitions", ())}
    while isinstance(node, dict):
        kind = node["type"]
        if _takes_more(node):
            return None
        if kind == "definition-ref":
            node = definitions.get(node["schema_ref"])
        elif kind in {"typed-dict", "model-fields", "dataclass-args"}:
            found = node["fields"]
            pairs = found.items() if isinstance(found, dict) else ((each["name"], each) for each in found)
            return frozenset(name for field in pairs for name in _names(*field))
        elif "schema" in node:
            node = node["schema"]
        else:
            return None
    return None


def _takes_more(node: Core) -> bool:
    """Return whether an author's type keeps fields that it does not name: a TypedDict's own, or in a configuration."""
    said = {node.get("extra_behavior"), (node.get("config") or {}).get("extra_fields_behavior")}
    return not said <= {None, "forbid", "ignore"}


def _names(name: str, field: Core) -> list[str]:
    """Return a field's name and its aliases: a text, a path that begins with one, or a list of paths."""
    alias = field.get("validation_alias")
    if isinstance(alias, str):
        return [name, alias]
    paths = alias if alias and isinstance(alias[0], list) else [alias or []]
    return [name, *(path[0] for path in paths if path)]
