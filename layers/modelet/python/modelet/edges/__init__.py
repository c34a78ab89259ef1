"""One adapter for each kind of event, between what Lambda hands over and a protocol; only the handler calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.edges import direct, http

if TYPE_CHECKING:
    from modelet.edges.base import Edge

EDGES: tuple[Edge, ...] = (http, direct)
"""In the order in which they are tried; the last one takes every event."""
