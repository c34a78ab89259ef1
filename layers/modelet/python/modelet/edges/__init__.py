"""Edges: one adapter for each kind of event, from Lambda's event to a protocol; only the handler calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.edges import direct, http

if TYPE_CHECKING:
    from modelet.edges.base import Edge

EDGES: tuple[Edge, ...] = (http, direct)
"""The edges in the order of matching; the last one matches every event."""


def worker_edges() -> tuple[Edge, ...]:
    """Return the edges of a worker, which answers the steps of batches and the messages of jobs as well."""
    from modelet.edges import chunk, queue  # noqa: PLC0415 - they import boto3, which an online function never does

    return (chunk, queue, *EDGES)
