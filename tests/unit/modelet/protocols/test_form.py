from __future__ import annotations

import sys
import tracemalloc
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.errors import MalformedBodyError, MediaTypeError, TooLargeError
from modelet.protocols.form import MULTIPART, URLENCODED, Form, FormFile, read_form

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n', exclude_categories=["Cc"]), min_size=1)


def sent(fields: dict[str, str], files: dict[str, tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """A multipart body as httpx writes it, and its content type."""
    request = httpx.Request("POST", "http://a", data=fields, files=files or {"": ("", b"")})
    return request.read(), request.headers["content-type"]


def multipart(*parts: bytes, end: bytes = b"--b--\r\n") -> Form:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end
    return read_form(body, f"{MULTIPART}; boundary=b")


def field(name: str, value: bytes = b"1") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value


def test_an_urlencoded_form_has_texts() -> None:
    form = read_form(b"a=1&b=%EA%B0%80+b&c=", URLENCODED)

    assert form == {"a": "1", "b": "가 b", "c": ""}
    assert form.fields == [("a", "1"), ("b", "가 b"), ("c", "")]
    assert form.files == []


def test_a_multipart_form_has_texts_and_files() -> None:
    body, kind = sent({"a": "1"}, {"image": ("x.png", b"\x89PNG\r\n--", "image/png")})

    form = read_form(body, kind)

    assert form["a"] == "1"
    [(name, file)] = form.files
    assert (name, file.filename, file.content_type, file.size) == ("image", "x.png", "image/png", 8)
    assert form["image"] is file
    assert file.read(4) == b"\x89PNG"
    assert file.file.read() == b"\r\n--"
    file.seek(0)
    file.close()
    assert file.read() == b"\x89PNG\r\n--"


def test_a_name_that_occurs_twice_has_its_last_value_and_a_list_of_all() -> None:
    form = read_form(b"a=1&b=2&a=3", URLENCODED)

    assert form["a"] == "3"
    assert form.getlist("a") == ["1", "3"]
    assert form.getlist("c") == []
    assert form.multi_items() == [("a", "1"), ("b", "2"), ("a", "3")]


def test_the_content_type_may_have_capitals_and_a_quoted_boundary() -> None:
    assert multipart(field("a")) == {"a": "1"}
    assert read_form(b"a=1", "Application/X-WWW-Form-URLEncoded; charset=UTF-8") == {"a": "1"}
    body = b'--b c\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b c--\r\n'
    assert read_form(body, 'Multipart/Form-Data; Boundary="b c"') == {"a": "1"}


@given(st.dictionaries(NAMES, TEXTS, max_size=5))
def test_every_urlencoded_form_comes_back(fields: dict[str, str]) -> None:
    assert read_form(urlencode(fields).encode(), URLENCODED) == fields


@given(st.dictionaries(NAMES, TEXTS, max_size=5), st.dictionaries(NAMES, st.binary(max_size=200), max_size=3))
def test_every_multipart_form_comes_back(fields: dict[str, str], contents: dict[str, bytes]) -> None:
    files = {f"f{name}": ("file.bin", content, "application/octet-stream") for name, content in contents.items()}
    body, kind = sent({f"t{name}": value for name, value in fields.items()}, {**files, "last": ("l", b"", "a/b")})

    form = read_form(body, kind)

    assert {name: file.read() for name, file in form.files} == {
        **{f"f{name}".replace("%22", '"'): content for name, content in contents.items()},
        "last": b"",
    }
    assert dict(form.fields) == {f"t{name}": value for name, value in fields.items()}


@given(st.binary(max_size=300), st.sampled_from([URLENCODED, f"{MULTIPART}; boundary=b", MULTIPART]))
def test_any_bytes_are_a_form_or_a_request_error(body: bytes, kind: str) -> None:
    with suppress(MalformedBodyError, TooLargeError):
        assert isinstance(read_form(body, kind), Form)


@given(st.data())
def test_every_truncated_multipart_body_is_refused(data: st.DataObject) -> None:
    whole = b"--b\r\n" + field("a") + b"\r\n--b\r\n" + field("c", b"12") + b"\r\n--b--"
    size = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(MalformedBodyError, match="not valid multipart"):
        read_form(whole[:size], f"{MULTIPART}; boundary=b")


@pytest.mark.parametrize("count", [1_001, 10_000])
def test_a_form_of_very_many_fields_is_too_large(count: int) -> None:
    with pytest.raises(TooLargeError, match="more than 1,000 parts"):
        read_form(b"&".join(b"a%d=1" % number for number in range(count)), URLENCODED)
    with pytest.raises(TooLargeError, match="more than 1,000 parts"):
        multipart(*(field(f"a{number}") for number in range(count)))


def test_a_form_of_the_most_fields_is_read() -> None:
    assert len(read_form(b"&".join(b"a%d=1" % number for number in range(1_000)), URLENCODED)) == 1_000
    assert len(multipart(*(field(f"a{number}") for number in range(1_000)))) == 1_000


@pytest.mark.parametrize(
    "headers", [b"X-Long: " + b"a" * 5_000, b"\r\n".join(b"X-%d: 1" % number for number in range(20))]
)
def test_headers_of_a_part_that_are_too_many_or_too_long_are_refused(headers: bytes) -> None:
    with pytest.raises(TooLargeError, match=r"8 headers, or one above 4,096 bytes"):
        multipart(headers + b"\r\n" + field("a"))


@pytest.mark.parametrize(
    "part",
    [
        b"\r\n1",  # no headers
        b"Content-Disposition: attachment; name=a\r\n\r\n1",
        b"Content-Disposition: form-data\r\n\r\n1",
        b"no colon\r\n\r\n1",
    ],
)
def test_a_part_that_is_not_of_a_form_is_refused(part: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="not valid multipart"):
        multipart(part)


@pytest.mark.parametrize("boundary", ["", "; boundary=", f"; boundary={'b' * 71}", "; boundary=é"])
def test_a_boundary_that_is_missing_or_not_valid_is_refused(boundary: str) -> None:
    with pytest.raises(MalformedBodyError, match="boundary"):
        read_form(b"--b--", f"{MULTIPART}{boundary}")


def test_another_boundary_than_the_bodys_is_refused() -> None:
    with pytest.raises(MalformedBodyError, match="not valid multipart"):
        read_form(b"--other\r\n" + field("a") + b"\r\n--other--\r\n", f"{MULTIPART}; boundary=b")


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    latin = b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=%b\r\n\r\n\xe9'
    for body in (b"a=%E9", b"a=\xe9"):
        with pytest.raises(MalformedBodyError, match=r"not UTF-8|not ASCII"):
            read_form(body, URLENCODED)
    with pytest.raises(MalformedBodyError, match="field a is not UTF-8"):
        multipart(latin % b"utf-8")
    with pytest.raises(MalformedBodyError, match="charset latin-1"):
        multipart(latin % b"latin-1")


def test_a_file_without_a_content_type_is_bytes() -> None:
    file = multipart(b'Content-Disposition: form-data; name="a"; filename="f"\r\n\r\n\xff')["a"]

    assert isinstance(file, FormFile)
    assert (file.content_type, file.read()) == ("application/octet-stream", b"\xff")


def test_another_content_type_is_refused() -> None:
    with pytest.raises(MediaTypeError, match="application/json"):
        read_form(b"{}", "application/json")


def test_a_function_without_the_library_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "multipart", None)

    with pytest.raises(MediaTypeError, match=r"add modelet\[forms\] to its requirements.txt"):
        read_form(b"--b--", f"{MULTIPART}; boundary=b")


def test_a_header_of_a_part_that_is_not_utf_8_is_refused_without_pythons_error() -> None:
    with pytest.raises(MalformedBodyError, match="header failed to decode") as caught:
        multipart(b'Content-Disposition: form-data; name="\xe9"\r\n\r\n1')
    assert "UnicodeDecodeError" not in str(caught.value)


def test_a_part_in_base64_is_refused_and_other_encodings_change_nothing() -> None:
    head = b"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
    assert multipart(head + b"BINARY\r\n\r\nQUJD") == {"a": "QUJD"}
    for coding in (b"base64", b"quoted-printable"):
        with pytest.raises(MalformedBodyError, match="send its bytes as they are"):
            multipart(head + coding + b"\r\n\r\nQUJD")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.integers(0, 3))
@settings(max_examples=25)
def test_an_urlencoded_form_is_read_as_the_standard_library_reads_it(pairs: list[tuple[str, str]], shift: int) -> None:
    text = urlencode([("a" * shift, "가%" * 8_000), *pairs]) + "&&=&x&%zz=%4"
    assert read_form(text.encode(), URLENCODED).multi_items() == parse_qsl(text, keep_blank_values=True)


def test_a_form_of_many_escapes_takes_little_memory() -> None:
    body = b"a=" + b"%41" * 500_000
    tracemalloc.start()
    try:
        assert read_form(body, URLENCODED) == {"a": "A" * 500_000}
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
