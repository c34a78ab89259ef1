"""The list of edges: which one takes which event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelet.edges import EDGES, direct, http
from support.events import http_event, rest_event

if TYPE_CHECKING:
    from modelet.edges.base import Edge


def taken(event: Any) -> Edge:
    return next(edge for edge in EDGES if edge.matches(event))


@pytest.mark.parametrize("event", [http_event("GET", "/"), rest_event("GET", "/")], ids=["payload 2.0", "payload 1.0"])
def test_an_event_of_a_gateway_is_taken_by_http(event: Any) -> None:
    assert taken(event) is http


@pytest.mark.parametrize("event", [None, 1, "text", [], {}, {"requestContext": {"elb": {}}, "httpMethod": "GET"}])
def test_the_last_edge_takes_every_event(event: Any) -> None:
    assert taken(event) is direct


def test_only_direct_invocations_have_retryable_errors_raised() -> None:
    assert [edge.raises_retryable for edge in (http, direct)] == [False, True]
