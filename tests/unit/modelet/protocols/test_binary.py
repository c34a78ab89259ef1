from __future__ import annotations

import base64
import json
from typing import Annotated, Any, NotRequired

import pytest
from annotated_types import Len
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.schema import json_schema
from modelet.errors import ContractError, MalformedBodyError
from modelet.model import Model
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.protocols.binary import RAW, bytes_field, readers_of
from modelet.protocols.rows import read_json


class Blob(TypedDict):
    data: Annotated[bytes, Len(1, 20_000)]
    name: NotRequired[str]


class Two(TypedDict):
    one: bytes
    other: bytes


class Named(TypedDict):
    data: bytes
    name: str


class Text(TypedDict):
    data: str


class Size(TypedDict):
    size: int


class Sizes(Model[Blob, Size]):
    def infer(self, inputs: Any) -> Any:
        return [{"size": len(each["data"])} for each in inputs]


def core(kind: Any, *, returned: bool = False) -> dict[str, Any]:
    compiled = compile_type(kind, returned=returned)
    assert compiled.core is not None, compiled.reason
    return compiled.core


@pytest.fixture(scope="module")
def pipeline() -> InferencePipeline:
    return InferencePipeline(Sizes(), Contract(core(Blob), core(Size, returned=True)), max_instances=5)


def form(*parts: tuple[str, bytes]) -> tuple[bytes, str]:
    body = b"".join(
        f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in parts
    )
    return body + b"--cut--\r\n", "multipart/form-data; boundary=cut"


def read(pipeline: InferencePipeline, body: bytes, content_type: str, **options: Any) -> Any:
    reader = readers_of(pipeline.contract, content_type)[content_type.partition(";")[0]]
    checked, bare = reader(body, pipeline, **options)
    return pipeline.infer(checked, Timings(), **options), bare


@pytest.mark.parametrize(("kind", "field"), [(Blob, "data"), (Two, None), (Named, None), (Text, None), (bytes, None)])
def test_only_a_contract_with_one_field_of_bytes_takes_files(kind: Any, field: str | None) -> None:
    assert bytes_field(core(kind)) == field
    contract = Contract(core(kind), core(Size, returned=True))
    assert set(readers_of(contract, "image/png")) == ({*RAW, "multipart/form-data"} if field else set())


@given(body=st.binary(min_size=1, max_size=200))
def test_any_bytes_are_the_same_raw_in_a_form_and_as_base64(pipeline: InferencePipeline, body: bytes) -> None:
    contract = pipeline.contract
    reader = readers_of(contract, RAW[0])[RAW[0]]
    checked, bare = reader(body, pipeline)
    assert bare
    assert checked.instances == [{"data": body}]
    text = json.dumps({"data": base64.b64encode(body).decode()}).encode()
    assert read_json(text, pipeline)[0].instances == [{"data": body}]
    several = json.dumps({"instances": [{"data": base64.b64encode(body).decode()}] * 2}).encode()
    assert read_json(several, pipeline)[0].instances == [{"data": body}] * 2


@pytest.mark.parametrize("size", [100, 9_000, 20_000])
def test_large_bytes_in_json_are_decoded_whether_another_row_is_bad_or_not(
    pipeline: InferencePipeline, size: int
) -> None:
    good = {"data": base64.b64encode(b"\xff" * size).decode()}
    for bad in ({"data": "*" * size}, {"data": 3}, {}, {"data": base64.b64encode(b"a" * 20_001).decode()}):
        checked, _ = read_json(json.dumps({"instances": [good, bad]}).encode(), pipeline, partial=True)
        assert checked.instances == [{"data": b"\xff" * size}]
        assert list(checked.failed) == [1]


def test_files_of_a_form_are_instances_in_order(pipeline: InferencePipeline) -> None:
    result, bare = read(pipeline, *form(("data", b"a"), ("data", b"bcd")))
    assert (result.predictions, bare) == ([{"size": 1}, {"size": 3}], False)


def test_a_bad_file_is_named_and_the_others_are_answered_on_request(pipeline: InferencePipeline) -> None:
    body, kind = form(("data", b"a"), ("data", b""), ("data", b"x" * 20_001))
    with pytest.raises(ContractError) as caught:
        read(pipeline, body, kind)
    assert [(each.instance, each.field, each.rule) for each in caught.value.violations] == [
        (1, "data", "bytes_too_short"),
        (2, "data", "bytes_too_long"),
    ]
    result, _ = read(pipeline, body, kind, partial=True)
    assert (result.predictions, set(result.failed), result.total) == ([{"size": 1}], {1, 2}, 3)


def test_other_parts_of_a_form_are_refused_by_name(pipeline: InferencePipeline) -> None:
    body, kind = form(("data", b"a"), ("other", b"a"))
    with pytest.raises(ContractError, match="field other: Unknown field of the form: send only files, each in a field"):
        read(pipeline, body, kind)
    text = body.replace(b'; filename="f"', b"", 1)
    with pytest.raises(ContractError, match="field data: Input should be a file: send it with a filename"):
        read(pipeline, text, kind)


def test_a_form_without_files_or_with_too_many_is_refused(pipeline: InferencePipeline) -> None:
    with pytest.raises(ContractError, match="no instances"):
        read(pipeline, *form())
    from modelet.errors import TooLargeError

    with pytest.raises(TooLargeError, match="limit is 5"):
        read(pipeline, *form(*[("data", b"a")] * 6))
    with pytest.raises(MalformedBodyError):
        read(pipeline, b"--cut\r\n", "multipart/form-data; boundary=cut")


def test_the_schema_of_bytes_is_base64_with_the_limits_of_its_text() -> None:
    schema = json_schema(Blob, "validation")
    assert schema["properties"]["data"] == {
        "contentEncoding": "base64", "minLength": 4, "maxLength": 26_668, "title": "Data", "type": "string",
    }  # fmt: skip
    assert json_schema(Named, "validation")["properties"]["data"]["contentEncoding"] == "base64"
