from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.responses import Response as StarletteResponse

from modelet import Response
from modelet.errors import PredictionError
from modelet.predictors.answers import Answer, answer_of, json_of
from support.growth import LINEAR, growth

TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
PLAIN = "text/plain; charset=utf-8"
LD, HTML = {"content-type": "application/ld+json"}, {"content-type": "text/html", "X-A": "b"}
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
NOT_NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, np.float32("nan"), np.array([1.0, math.nan])])
HIDDEN = st.recursive(
    NOT_NUMBERS,
    lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(TEXT, inner, min_size=1, max_size=2),
)


def refused(value: Any) -> str:
    with pytest.raises(PredictionError) as caught:
        answer_of(value)
    return str(caught.value)


@given(VALUES.filter(lambda value: not isinstance(value, str)))
def test_every_json_value_comes_back(value: Any) -> None:
    answer = answer_of(value)

    assert (answer.status, answer.headers) == (200, {"content-type": "application/json"})
    assert json.loads(answer.body) == value == json_of(answer)


@given(HIDDEN)
def test_nan_and_infinity_are_refused_anywhere(value: Any) -> None:
    if isinstance(value, float | np.ndarray | np.floating) or value:
        assert "finite" in refused(value)
        assert "finite" in refused(Response({"a": value}))


@given(TEXT, st.binary(max_size=50))
def test_texts_and_bytes_are_sent_as_they_are(text: str, data: bytes) -> None:
    assert answer_of(text) == Answer(200, text.encode(), {"content-type": "text/plain; charset=utf-8"})
    assert answer_of(data) == Answer(200, data, {"content-type": "application/octet-stream"})
    assert answer_of(bytearray(data)) == answer_of(memoryview(data)) == answer_of(data)


def test_numbers_and_arrays_of_numpy_become_python_values() -> None:
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": np.bool_(True), "d": [np.int64(2)], "e": (1, 2)}

    assert json.loads(answer_of(value).body) == {"a": 0.5, "b": [0, 1, 2], "c": True, "d": [2], "e": [1, 2]}
    assert answer_of(np.eye(2)).body == b"[[1.0,0.0],[0.0,1.0]]"
    assert answer_of(np.float64(2.5)).body == b"2.5"


def test_an_object_of_pydantic_becomes_its_json() -> None:
    class Label(BaseModel):
        label: str

    assert answer_of([Label(label="a")]).body == b'[{"label":"a"}]'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "object that is not JSON"),
        ((number for number in (1, 2)), "generator that is not JSON"),
        ({"a": {1, 2}}, "dict that is not JSON (set has no JSON form)"),
        ({"a": b"1"}, "bytes has no JSON form"),
        (1j, "complex that is not JSON"),
        ({(1, 2): 3}, "keys must be str"),
        (lambda: 1, "function that is not JSON"),
        ("\ud800", "lone surrogate"),
        (["\ud800"], "list that JSON does not have"),
        ([10**5_000], "list that JSON does not have"),
        (StreamingResponse(iter([b"a"])), "StreamingResponse that is not JSON"),
    ],
)
def test_what_has_no_form_on_the_wire_is_refused_with_what_it_is(value: Any, said: str) -> None:
    assert said in refused(value)


def test_what_may_be_returned_is_named() -> None:
    assert "return a JSON value, a str, bytes, modelet.Response(body" in refused(object())


def test_keys_become_texts_unless_two_would_be_the_same() -> None:
    assert answer_of({2: "a", None: "b", True: {2.5: "c"}}).body == b'{"2":"a","null":"b","true":{"2.5":"c"}}'
    for value in ({1: "a", "1": "b"}, [{"x": ({True: 1, "true": 2},)}]):
        assert "two keys that are" in refused(value)


def test_a_coroutine_is_refused_and_closed() -> None:
    async def answer() -> int:
        return 1

    assert "coroutine that is not JSON" in refused(answer())


def test_a_circular_or_deep_value_is_refused() -> None:
    circular: list[Any] = []
    circular.append(circular)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]

    assert "Circular" in refused(circular)
    assert "too deeply" in refused(deep)
    while isinstance(deep, list):  # its own destructor would recurse
        deep = deep.pop()


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response({"a": 1}), Answer(200, b'{"a":1}', {"content-type": "application/json"})),
        (Response("a", 201), Answer(201, b"a", {"content-type": "text/plain; charset=utf-8"})),
        (Response(b"\x89", headers={"Content-Type": "image/png"}), Answer(200, b"\x89", {"content-type": "image/png"})),
        (Response(status=204), Answer(204, b"", {})),
        (Response("<p>", 404, HTML), Answer(404, b"<p>", {"content-type": "text/html", "x-a": "b"})),
        (Response({"a": 1}, headers=LD), Answer(200, b'{"a":1}', LD)),
    ],
)  # fmt: skip
def test_a_response_has_its_own_status_and_headers(response: Response, expected: Answer) -> None:
    assert answer_of(response) == expected


@pytest.mark.parametrize("status", [0, 99, 100, 199, 600, -1, True, "200", 200.0, None])
def test_a_status_that_http_does_not_allow_is_refused(status: Any) -> None:
    assert "200 to 599" in refused(Response(1, status))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"x-a": "b\r\nset-cookie: c"}, "which HTTP does not allow"),
        ({"x a": "b"}, "which HTTP does not allow"),
        ({"": "b"}, "which HTTP does not allow"),
        ({"x-a": "가"}, "which HTTP does not allow"),
        ({"x-a": 1}, "both must be texts"),
        ({1: "a"}, "both must be texts"),
        ({"Content-Length": "5"}, "remove it"),
        ({"transfer-encoding": "chunked"}, "remove it"),
        ({"X-Model-Version": "5"}, "remove it"),
        ({"set-cookie": "a", "Set-Cookie": "b"}, "twice"),
        (["a"], "not a mapping"),
        (5, "not a mapping"),
    ],
)
def test_headers_that_are_not_valid_or_not_the_predictors_are_refused(headers: Any, said: str) -> None:
    assert said in refused(Response(1, headers=headers))


def test_a_list_may_be_in_several_headers() -> None:
    assert answer_of(Response(1, headers={"vary": "a", "Vary": "b"})).headers["vary"] == "a, b"


def test_a_body_must_be_what_its_headers_say() -> None:
    as_json = {"content-type": "application/json"}

    assert answer_of(Response('{"a":1}', headers=as_json)).body == b'{"a":1}'
    assert "not JSON" in refused(Response('{"a": NaN}', headers=as_json))
    assert "not JSON" in refused(Response(b"\xff", headers={"content-type": "application/problem+json"}))
    assert "another charset" in refused(Response("é", headers={"content-type": "text/plain; charset=latin-1"}))
    assert answer_of(Response(b"\xe9", headers={"content-type": "text/plain; charset=latin-1"})).body == b"\xe9"


def test_a_status_without_a_body_has_none() -> None:
    assert "which has none" in refused(Response({"a": 1}, 204))
    assert answer_of(Response("", 304)) == Answer(304, b"", {})


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (JSONResponse({"a": 1}, 201), Answer(201, b'{"a":1}', {"content-type": "application/json"})),
        (PlainTextResponse("é"), Answer(200, "é".encode(), {"content-type": "text/plain; charset=utf-8"})),
        (HTMLResponse("<p>"), Answer(200, b"<p>", {"content-type": "text/html; charset=utf-8"})),
        (PlainTextResponse("", headers={"X-A": "b"}), Answer(200, b"", {"x-a": "b", "content-type": PLAIN})),
        (StarletteResponse(b"\x89", media_type="image/png"), Answer(200, b"\x89", {"content-type": "image/png"})),
        (RedirectResponse("/a"), Answer(307, b"", {"location": "/a", "content-type": "application/octet-stream"})),
        (StarletteResponse(status_code=204), Answer(204, b"", {})),
    ],
)  # fmt: skip
def test_responses_of_starlette_are_sent_as_they_are(response: StarletteResponse, expected: Answer) -> None:
    assert answer_of(response) == expected


def test_a_foreign_response_is_checked_too() -> None:
    class Foreign:
        status_code, headers, body = 200, [("content-length", "3")], "ab"

    assert "content-length" in refused(Foreign())
    Foreign.body, Foreign.headers = 5, []  # type: ignore[assignment]
    assert "body is a int" in refused(Foreign())
    assert "background task" in refused(JSONResponse(1, background=BackgroundTask(print)))
    assert "not JSON" in refused(HTTPException(400, "returned, not raised"))


def test_an_answer_that_is_neither_json_nor_text_is_not_a_rows() -> None:
    assert json_of(answer_of("a")) == "a"
    with pytest.raises(ValueError, match="the answer is application/octet-stream, not JSON"):
        json_of(answer_of(b"a"))
    with pytest.raises(ValueError, match="the answer is empty, not JSON"):
        json_of(answer_of(Response(status=204)))


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("2020-01-01", "ns"), np.array(["2020-01-01"], "datetime64[ns]"), np.timedelta64(1, "ns"),
        np.array(["NaT"], "datetime64[ns]"), np.array([(1, 2.0)], [("a", int), ("b", float)]), np.longdouble(1.5),
    ],
)  # fmt: skip
def test_values_of_numpy_that_would_lose_their_meaning_are_refused(value: Any) -> None:
    with pytest.raises(PredictionError, match="has no JSON form"):
        answer_of({"a": value})


def test_keys_that_are_the_same_as_json_are_refused_in_arrays_of_objects_too() -> None:
    with pytest.raises(PredictionError, match='two keys that are "1"'):
        answer_of(np.array([{1: "a", "1": "b"}], object))


def test_headers_that_a_gateway_does_not_take_are_refused() -> None:
    assert answer_of(Response("x", headers={"x-a": "b" * 10_000})).status == 200
    with pytest.raises(PredictionError, match="headers of 11,0"):
        answer_of(Response("x", headers={"x-a": "b" * 11_000}))


def test_a_text_in_another_charset_is_not_the_value_of_a_row() -> None:
    with pytest.raises(ValueError, match="text/plain, not JSON"):
        json_of(answer_of(Response("가".encode("utf-16-le"), headers={"content-type": "text/plain; charset=utf-16le"})))


def test_the_cost_of_numbers_as_keys_grows_with_their_number_and_not_faster() -> None:
    def answer(count: int) -> None:
        assert len(json.loads(answer_of(dict.fromkeys(range(count), 1)).body)) == count
        with pytest.raises(PredictionError, match=f'"{count - 1}"'):
            answer_of({**dict.fromkeys(range(count), 1), str(count - 1): 1})

    assert growth(answer, 12_500) < LINEAR
