"""Bytes in contracts: base64 in JSON, whose texts cannot hold all bytes, unless the author's configuration differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.contract.schema import DATA, RECORDS

if TYPE_CHECKING:
    from modelet.contract.schema import Core

CONFIG = "val_json_bytes"
"""The member of a configuration that says how bytes are written in JSON. Source: pydantic's ConfigDict."""


def with_base64(core: Core) -> Core:
    """Return a copy of an instance's core schema in which the bytes of each object are base64."""
    made: Core = _encoded(core, {})
    return made


def unencoded(core: Core) -> bool:
    """Return whether an object has bytes, and the author's configuration does not say how they are written."""
    return bool(with_base64(core) != core)


def _encoded(node: Any, config: Core) -> Any:
    if isinstance(node, list | tuple):
        return type(node)(_encoded(child, config) for child in node)
    if not isinstance(node, dict):
        return node
    config = node.get("config") or config
    made = {key: child if key in DATA else _encoded(child, config) for key, child in node.items()}
    if node.get("type") in RECORDS and CONFIG not in config and _has_bytes(node):
        made["config"] = {CONFIG: "base64", **config}
    return made


def _has_bytes(node: Any) -> bool:
    """Return whether a part of a schema is bytes."""
    if isinstance(node, list | tuple):
        return any(map(_has_bytes, node))
    if not isinstance(node, dict):
        return False
    return node.get("type") == "bytes" or any(_has_bytes(child) for key, child in node.items() if key not in DATA)
