"""Media types: which reader and which writer a request gets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.errors import MediaTypeError, NotAcceptableError
from modelet.model import Model
from modelet.protocols.media import Media, negotiate
from modelet.protocols.service import JSON, Request
from support.services import ask, service

CSV = "text/csv"
BOTH = Media(
    readers={JSON: "read json", CSV: "read csv"},
    writers={JSON: "write json", CSV: "write csv"},
)
READS_MORE = Media(readers={JSON: "read json", CSV: "read csv"}, writers={JSON: "write json"})


def chosen(table: Media[Any, Any] = BOTH, body: bytes = b"", **headers: str) -> tuple[Any, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reader, _, writer = negotiate(Request("POST", "/", named, {}, body), table)
    return reader, writer


def test_without_headers_the_first_media_type_is_read_and_written() -> None:
    assert chosen() == ("read json", "write json")


@pytest.mark.parametrize(
    ("content_type", "read"),
    [
        ("application/json", "read json"),
        ("Application/JSON ; charset=UTF-8", "read json"),
        ("application/vnd.example.v1+json", "read json"),
        ("text/csv", "read csv"),
        ("TEXT/CSV; header=present", "read csv"),
    ],
)
def test_the_content_type_says_who_reads_the_body(content_type: str, read: str) -> None:
    assert chosen(content_type=content_type)[0] == read


@pytest.mark.parametrize("content_type", ["text/plain", "json", "", "text/*", "*/*", "application/jsonx"])
def test_a_content_type_that_nobody_reads_is_refused_with_those_that_are_read(content_type: str) -> None:
    with pytest.raises(MediaTypeError, match="application/json, text/csv") as caught:
        chosen(content_type=content_type)
    assert caught.value.headers == {"accept": "application/json, text/csv"}


@pytest.mark.parametrize(
    ("accept", "written"),
    [
        ("*/*", "write json"),
        ("text/csv", "write csv"),
        ("text/*", "write csv"),
        ("application/json;q=0.5, text/csv", "write csv"),
        ("text/csv;q=0.5, */*;q=0.6", "write json"),
        ("text/csv;q=0.5, */*;q=0.5", "write json"),
        ("text/csv; header=present; q=0.9, application/json; q=0.1", "write csv"),
        ("application/json;q=0, */*", "write csv"),
        ("application/*;q=0, text/*;q=0.1", "write csv"),
        ("image/png, text/csv;q=0.001", "write csv"),
        ("text/csv;q=0.9;q=0.1, application/json;q=0.5", "write csv"),  # what follows the first weight extends Accept
        ("TEXT/CSV", "write csv"),
        ("", "write json"),
        ("nonsense", "write json"),
        ("text/csv;q=nonsense", "write json"),
        ("text/csv;q=nan", "write json"),
        ("text/csv;q=2", "write json"),
    ],
)
def test_accept_says_who_writes_the_answer(accept: str, written: str) -> None:
    assert chosen(accept=accept)[1] == written


@pytest.mark.parametrize(
    "accept", ["image/png", "*/*;q=0", "text/csv;q=0, application/json;q=0.0", "text/html, image/*"]
)
def test_an_accept_that_excludes_all_is_refused_with_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="application/json, text/csv"):
        chosen(accept=accept)


def test_a_type_that_is_only_read_is_answered_with_the_first_that_is_written() -> None:
    assert chosen(READS_MORE, content_type=CSV) == ("read csv", "write json")


def test_a_type_that_is_only_read_is_not_offered_to_accept() -> None:
    with pytest.raises(NotAcceptableError, match="offers application/json\\."):
        chosen(READS_MORE, content_type=CSV, accept=CSV)


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/json"])
def test_the_type_of_the_answer_is_the_one_of_its_writer(accept: str) -> None:
    _, kind, writer = negotiate(Request("POST", "/", {"accept": accept}, {}, b""), BOTH)
    assert kind == {"write json": JSON, "write csv": CSV}[writer]


@pytest.mark.parametrize("coding", ["", "br", "gzip", "zstd", "identity, gzip"])
def test_a_body_with_a_content_encoding_is_refused_with_the_one_that_is_read(coding: str) -> None:
    with pytest.raises(MediaTypeError, match="send the body without one") as caught:
        chosen(content_encoding=coding)
    assert caught.value.headers == {"accept-encoding": "identity"}


def test_a_body_that_says_that_it_has_no_content_encoding_is_read() -> None:
    assert chosen(content_type=CSV, content_encoding=" Identity") == ("read csv", "write json")


@pytest.mark.parametrize("value", [[JSON], {JSON: 1}, 1, None, b"text"])
def test_a_content_type_that_is_no_text_is_refused_and_not_an_error_of_ours(value: Any) -> None:
    with pytest.raises(MediaTypeError):
        chosen(content_type=value)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_the_headers_say_there_is_a_choice_or_a_refusal(content_type: str, accept: str) -> None:
    try:
        read, written = chosen(content_type=content_type, accept=accept)
    except (MediaTypeError, NotAcceptableError):
        return
    assert read in {"read json", "read csv"}
    assert written in {"write json", "write csv"}


@given(
    st.lists(
        st.tuples(st.sampled_from([JSON, CSV, "text/*", "application/*", "*/*", "image/png"]), st.integers(0, 1000)),
        min_size=1,
        max_size=5,
        unique_by=lambda each: each[0],
    )
)
def test_nothing_is_written_that_accept_weighs_less_than_another(ranges: list[tuple[str, int]]) -> None:
    weights = {kind: weight / 1000 for kind, weight in ranges}

    def weight(name: str) -> float:
        specific = [name, f"{name.split('/', maxsplit=1)[0]}/*", "*/*"]
        return next((weights[kind] for kind in specific if kind in weights), 0.0)

    accept = ", ".join(f"{kind};q={weight}" for kind, weight in weights.items())
    best = max(weight(JSON), weight(CSV))
    if not best:
        with pytest.raises(NotAcceptableError):
            chosen(accept=accept)
        return
    assert chosen(accept=accept)[1] == ("write json" if weight(JSON) == best else "write csv")


class Lengths(Model[str, int]):
    def infer(self, inputs: list[str]) -> list[int]:
        return [len(text) for text in inputs]


@pytest.mark.parametrize("path", ["/models/tiny/infer", "/v2/models/tiny/infer"])
def test_a_route_answers_406_only_where_json_is_excluded(path: str) -> None:
    body = {"inputs": [{"name": "instances", "datatype": "BYTES", "shape": [1], "data": ["abc"]}]}
    sent = body if path.startswith("/v2") else {"instances": ["abc"]}
    served = service(Lengths)
    statuses = [ask(served, "POST", path, sent, accept=accept)[0] for accept in ("text/html, */*;q=0.1", "text/html")]
    assert statuses == [200, 406]


def test_what_is_wrong_with_the_path_is_said_before_what_cannot_be_written() -> None:
    assert ask(service(Lengths), "POST", "/models/tiny/nowhere", {}, accept="text/html")[0] == 404


def test_a_body_that_cannot_be_read_is_judged_after_what_cannot_be_written() -> None:
    assert (
        ask(service(Lengths), "POST", "/models/tiny/infer", "\N{REPLACEMENT CHARACTER}", accept="text/html")[0] == 406
    )
