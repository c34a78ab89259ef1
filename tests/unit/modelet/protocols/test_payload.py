from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.errors import MalformedBodyError, MediaTypeError, TooLargeError
from modelet.protocols.form import Form
from modelet.protocols.payload import read_payload
from modelet.protocols.service import Request
from support.growth import LINEAR, growth

TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


def read(body: bytes, content_type: str | None = "application/json", **headers: str) -> Any:
    given = {} if content_type is None else {"content-type": content_type}
    return read_payload(
        Request("POST", "/", {**given, **{name.replace("_", "-"): text for name, text in headers.items()}}, {}, body)
    )


@given(VALUES, st.booleans())
def test_every_json_value_is_a_payload(value: Any, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "Application/JSON", "application/ld+json", None])
def test_json_has_several_names(kind: str | None) -> None:
    assert read('{"가": [1]}'.encode(), kind) == {"가": [1]}


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"NaN", b"[Infinity]", b'{"a": 1, "a": 2}', b'[{"a": {"b": 1, "b": 1}}]', b"1e999", b"[-1E+400]",
        b"1" * 400 + b".0", b"1" * 5_000, b"\xff", b'"\xe9"', b'"\\ud800"', b"[" * 5_000 + b"]" * 5_000,
        b"[" * 100_000, b"\xef\xbb\xbf1", b'"\n"', b"{'a': 1}", "1".encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="The body is not JSON"):
        read(body)


def test_no_body_is_none_whatever_its_content_type() -> None:
    for kind in ("application/json", "text/plain", "image/png", "multipart/form-data", None):
        assert read(b"", kind) is None


def test_text_is_a_str() -> None:
    assert read("가".encode(), "text/plain") == "가"
    assert read(b"a,b\n", "text/csv; charset=utf-8") == "a,b\n"
    assert read(b"a", 'text/plain; charset="US-ASCII"') == "a"
    with pytest.raises(MalformedBodyError, match="text/plain, but not UTF-8"):
        read(b"\xe9", "text/plain")
    for kind in ("text/plain; charset=latin-1", "application/json; charset=utf-16"):
        with pytest.raises(MediaTypeError, match="charset is"):
            read(b"1", kind)


def test_a_form_has_fields_and_files() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n\xff\r\n--b--'

    form = read(body, "multipart/form-data; boundary=b")

    assert isinstance(form, Form)
    assert form["a"].read() == b"\xff"  # type: ignore[union-attr]
    assert read(b"a=1&b=2", "application/x-www-form-urlencoded") == {"a": "1", "b": "2"}


def test_a_form_of_10_000_fields_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="1,000 parts"):
        read(b"&".join(b"a=1" for _ in range(10_000)), "application/x-www-form-urlencoded")


def test_json_that_is_sent_as_a_form_is_refused() -> None:
    with pytest.raises(MediaTypeError, match="The body is JSON, but its content type is application/x-www-form"):
        read(b' {"a": 1}', "application/x-www-form-urlencoded")


@given(st.binary(min_size=1))
def test_any_other_content_type_is_bytes(body: bytes) -> None:
    assert read(body, "image/png") == body
    assert read(body, "application/octet-stream; x=y") == body


def test_a_content_encoding_is_refused() -> None:
    assert read(b"1", content_encoding="Identity") == 1
    with pytest.raises(MediaTypeError, match="content encoding is gzip"):
        read(b"1", "image/png", content_encoding="gzip")


@pytest.mark.parametrize("number", ["9" * 250 + "e99", "-" + "9" * 300 + "e9", "2e0308", "9" * 309 + ".0"])
def test_a_number_that_a_float_does_not_hold_is_never_infinite(number: str) -> None:
    assert math.isinf(float(number))
    with pytest.raises(MalformedBodyError, match="is too large"):
        read(f"[{number}]".encode())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"9" * 5_000, "a whole number has more than 4,300 digits"),
        (b'"\xff"', "it is not UTF-8"),
        (b"\xef\xbb\xbf1", "byte order mark"),
    ],
)
def test_what_is_wrong_with_a_body_is_not_said_in_words_of_python(body: bytes, said: str) -> None:
    with pytest.raises(MalformedBodyError, match=said) as caught:
        read(body)
    assert not any(word in str(caught.value) for word in ("sys.", "codec", "utf-8-sig"))


def test_the_cost_of_finding_a_key_that_occurs_twice_grows_with_the_keys_and_not_faster() -> None:
    def refuse(count: int) -> None:
        body = "{" + ",".join(f'"{number}":1' for number in [*range(count), count - 1]) + "}"
        with pytest.raises(MalformedBodyError, match=f"'{count - 1}' occurs twice"):
            read(body.encode())

    assert growth(refuse, 25_000) < LINEAR
