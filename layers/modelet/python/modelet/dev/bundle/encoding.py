"""Bytes in contracts: base64 in JSON, whose texts cannot hold all bytes, unless the author's configuration differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.contract.schema import DATA, NAMES, RECORDS

if TYPE_CHECKING:
    from modelet.contract.schema import Core

CONFIG = "val_json_bytes"
"""The member of a configuration that says how bytes are written in JSON. Source: pydantic's ConfigDict."""


def with_base64(core: Core) -> Core:
    """Return a copy of an instance's core schema in which the bytes of each object are base64."""
    return _encoded(core, {})


def unencoded(core: Core) -> bool:
    """Return whether an object has bytes, and the author's configuration does not say how they are written."""
    return bool(with_base64(core) != core)


def _encoded(node: Core, config: Core) -> Core:
    config = node.get("config") or config
    made = {key: child if key in DATA else _member(key, child, config) for key, child in node.items()}
    if node.get("type") in RECORDS and CONFIG not in config and _has_bytes(node):
        made["config"] = {CONFIG: "base64", **config}
    return made


def _member(key: str, child: Any, config: Core) -> Any:
    if isinstance(child, list | tuple):  # a tuple is a union's choice with its label
        return type(child)(_member(key, item, config) for item in child)
    if not isinstance(child, dict):
        return child
    if _is_named(key, child):
        return {name: _member("", item, config) for name, item in child.items()}
    return _encoded(child, config)


def _has_bytes(node: Any, key: str = "") -> bool:
    """Return whether a part of a schema is bytes. key: of the schema that has the part."""
    if isinstance(node, list | tuple):
        return any(_has_bytes(item, key) for item in node)
    if not isinstance(node, dict):
        return False
    if _is_named(key, node):
        return any(map(_has_bytes, node.values()))
    return node.get("type") == "bytes" or any(
        _has_bytes(child, name) for name, child in node.items() if name not in DATA
    )


def _is_named(key: str, child: Core) -> bool:
    """Return whether a part of a schema is schemas by names that an author chose, such as the names of fields."""
    return key in NAMES and not isinstance(child.get("type"), str)
