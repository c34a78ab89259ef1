from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import MaxLen
from pydantic import AfterValidator, BaseModel, ConfigDict, with_config
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.encoding import unencoded, with_base64
from modelet.dev.bundle.schema import json_schema
from modelet.errors import CommandError

RAW = b"\xff\x00\xfe"
TEXT = base64.b64encode(RAW).decode()


class Flat(TypedDict):
    data: Annotated[bytes, MaxLen(3)]


class Outer(TypedDict):
    parts: list[Flat]
    more: bytes | None


@with_config(ConfigDict(val_json_bytes="utf8"))
class Utf8(TypedDict):
    data: bytes


@dataclass
class Record:
    data: bytes


class Whole(BaseModel):
    data: bytes


class Said(BaseModel):
    model_config = ConfigDict(val_json_bytes="base64")

    data: bytes


def checked(kind: Any, row: Any) -> Any:
    core = compile_type(kind).core
    assert core is not None
    answer = compile_type(int, returned=True).core
    assert answer is not None
    return Contract(core, answer).check_rows([row])


def test_bytes_are_base64_at_any_depth() -> None:
    assert checked(Flat, {"data": TEXT}).instances == [{"data": RAW}]
    row = {"parts": [{"data": TEXT}, {"data": ""}], "more": TEXT}
    assert checked(Outer, row).instances == [{"parts": [{"data": RAW}, {"data": b""}], "more": RAW}]
    [violation] = checked(Outer, {**row, "parts": [{"data": "*"}]}).failed[0]
    assert (violation.field, violation.rule) == ("parts.0.data", "bytes_invalid_encoding")
    assert checked(Flat, {"data": base64.b64encode(RAW * 2).decode()}).failed[0][0].rule == "bytes_too_long"


def test_the_author_may_choose_texts() -> None:
    assert checked(Utf8, {"data": "가"}).instances == [{"data": "가".encode()}]
    assert "contentEncoding" not in json_schema(Utf8, "validation")["properties"]["data"]


def test_an_object_without_bytes_stays_as_it_is() -> None:
    class Plain(TypedDict):
        text: str

    core = compile_type(Plain).core
    assert core is not None
    assert with_base64(core) == core
    assert not unencoded(core)


@pytest.mark.parametrize("kind", [Record, Whole])
def test_classes_that_need_pydantic_must_say_how_bytes_are_written(kind: Any) -> None:
    with pytest.raises(CommandError, match=r'write them as base64, with val_json_bytes="base64" in the configuration'):
        compile_type(kind)
    assert "which only Python can run" in compile_type(Said).reason
    assert compile_type(kind, returned=True).core is None


def test_a_validator_of_python_does_not_hide_bytes() -> None:
    class Odd(TypedDict):
        data: bytes
        name: Annotated[str, AfterValidator(str.strip)]

    with pytest.raises(CommandError, match=r"the instance field name needs the function str\.strip"):
        compile_type(Odd)


@pytest.mark.parametrize("name", ["type", "config", "default", "metadata", "expected", "schema", "fields", "choices"])
def test_a_field_of_bytes_may_have_the_name_of_a_word_of_schemas(name: str) -> None:
    made: Any = TypedDict  # a type checker cannot follow it
    named = made("Named", {name: bytes, "type": int} if name != "type" else {name: bytes})
    core = compile_type(named).core
    assert core is not None
    contract = Contract(core, {"type": "any"})
    more = "" if name == "type" else ', "type": 3'
    checked = contract.check_bare(f'{{"{name}": "{TEXT}"{more}}}'.encode())
    assert checked is not None
    assert checked.instances[0][name] == RAW
