from __future__ import annotations

from modelet.predictors.received import Headers, Received


def test_a_headers_name_may_have_any_case() -> None:
    headers = Headers({"Content-Type": "a/b", "x-n": 1})

    assert headers["content-TYPE"] == headers.get("CONTENT-type") == "a/b"
    assert headers["X-N"] == "1"
    assert "Content-type" in headers
    assert "other" not in headers
    assert headers.get("other", "default") == "default"
    assert dict(headers) == {"content-type": "a/b", "x-n": "1"}


def test_a_row_of_a_batch_has_a_payload_alone() -> None:
    assert Received.row(5) == Received(5, {}, Headers({}), b"")
