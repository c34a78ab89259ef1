"""Edges: one adapter for each kind of event, from Lambda's event to a protocol; only the handler calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.edges import direct, http

if TYPE_CHECKING:
    from modelet.edges.base import Edge

EDGES: tuple[Edge, ...] = (http, direct)
"""The edges in the order of matching; the last one matches every event."""
