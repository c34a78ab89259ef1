"""Brief schemas: they accept the same, and what they refuse costs little."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import pytest
from annotated_types import Ge, Len
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import core_schema
from typing_extensions import TypedDict

from modelet.contract.brief import UnknownFieldError, brief
from modelet.contract.contract import Contract
from modelet.contract.diagnosis import RowError
from modelet.contract.readers import as_rows
from modelet.contract.schema import from_json, tighten
from modelet.errors import ContractError
from support.services import read_rows


class Flat(TypedDict):
    a: Annotated[float, Ge(0)]
    b: int


class Maybe(TypedDict):
    a: float | None
    b: NotRequired[str]


class Nested(TypedDict):
    a: Flat
    b: list[Flat]


class Tree(TypedDict):
    a: list[Tree]


class One(TypedDict):
    kind: Literal["one"]
    a: int


class Two(TypedDict):
    kind: Literal["two"]
    b: Any


class Record(BaseModel):
    a: Annotated[int, AfterValidator(abs)]
    b: Annotated[Any, BeforeValidator(str)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    a: tuple[int, int] = Field(alias="b")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: Annotated[set[int], Len(1, 3)]


@dataclass
class Data:
    a: int
    b: Maybe | None = None


class Pair(NamedTuple):
    a: int
    b: float


class Attributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    a: float = 1.0


class Root(RootModel[Attributes]):
    pass


class Subclass(Attributes):
    b: Annotated[int | None, AfterValidator(lambda value: value)] = None


class Holder(BaseModel):
    b: Attributes


class Branch(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    a: list[Branch] = []


class AnyInstance(type):
    def __instancecheck__(cls, _instance: object) -> bool:
        return True


class Loose(metaclass=AnyInstance):
    pass


class Equal(Enum):
    A = "a"

    def __eq__(self, _other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


TYPES: dict[str, Any] = {
    "flat": Flat,
    "optional": Maybe,
    "nested": Nested,
    "recursive": Tree,
    "union": One | Two | Flat,
    "tagged union": Annotated[One | Two, Field(discriminator="kind")],
    "union of scalars": int | bool | str,
    "mapping": dict[str, float],
    "list": list[float],
    "literal": Literal["one", 1],
    "text": str,
    "anything": Any,
    "model": Record,
    "strict": Strict,
    "open": Open,
    "dataclass": Data,
    "named tuple": Pair,
    "from attributes": Holder,
}


def core(kind: Any) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema))


CONTRACTS = {name: Contract(core(kind), core(Any)) for name, kind in TYPES.items()}
FLAT = CONTRACTS["flat"]
TUPLES = FLAT.as_tuples(("b", "a"), lambda text: text.count(b":"))

SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["one", "two", "1", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda child: (
        st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "kind", "more"]), child, max_size=4)
    ),
    max_leaves=8,
)
ROWS = st.lists(VALUES, min_size=1, max_size=4)


def judged(contract: Contract, body: bytes) -> tuple[str, Any]:
    """How a body is judged: its instances, or its violations' places, rules and messages."""
    checked = read_rows(body, contract, partial=True)
    named = {
        row: sorted((each.field, each.rule, each.message) for each in found) for row, found in checked.failed.items()
    }
    return repr(checked.instances), named


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=50)
@given(rows=ROWS)
def test_rows_are_judged_together_as_pydantic_judges_each_alone(name: str, rows: list[Any]) -> None:
    body = json.dumps({"instances": rows}).encode()
    instances, failed = judged(CONTRACTS[name], body)
    adapter = TypeAdapter(TYPES[name])
    validator = CONTRACTS[name]._examiner._one
    good = []
    for index, row in enumerate(rows):
        try:
            good.append(validator.validate_json(json.dumps(row)))
            assert index not in failed
        except ValidationError as error:
            found = error.errors(include_url=False)
            assert failed[index] == sorted((".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in found)
        else:
            adapter.validate_json(json.dumps(row))
    assert instances == repr(good)


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=40)
@given(row=VALUES)
def test_an_instance_is_judged_the_same_bare_and_among_others(name: str, row: Any) -> None:
    text = json.dumps(row)
    if isinstance(row, dict):  # a key written twice: the last one counts
        text = "{" + "".join(f'"{key}":[null],' for key in row) + text[1:] if row else text
    assert judged(CONTRACTS[name], text.encode()) == judged(CONTRACTS[name], f'{{"instances":[{text}]}}'.encode())


@settings(max_examples=100)
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(["a", "b", "\\u0061", "c"]), SCALARS | st.just([1]) | st.just({"a": 1})), max_size=6
    )
)
def test_a_key_written_twice_is_judged_the_same_by_every_reader_and_as_its_last_value(
    pairs: list[tuple[str, Any]],
) -> None:
    text = "{" + ",".join(f'"{key}":{json.dumps(value)}' for key, value in pairs) + "}"
    expected = judged(FLAT, json.dumps(from_json(text)).encode())
    for body in (text, f'{{"instances":[{text}]}}', f'{{"instances":[1],"instances":[{text}]}}'):
        assert judged(FLAT, body.encode()) == expected
        values, failed = judged(TUPLES, body.encode())
        assert failed == expected[1]
        assert values == expected[0] or not failed


# Of a large instance that is no object, a model that reads attributes says so by another rule: dict_type.
@pytest.mark.parametrize("name", [name for name in TYPES if name != "from attributes"])
@settings(max_examples=40)
@given(row=VALUES)
def test_a_large_instance_is_judged_as_a_small_one(name: str, row: Any) -> None:
    """The examiner looks at large ones as Python values; here all are large."""
    contract = Contract(core(TYPES[name]), core(Any))
    examiner = contract._examiner
    if not examiner._is_alike:
        return
    try:
        examiner._one.validate_json(json.dumps(row))
    except ValidationError as error:
        with pytest.raises(RowError) as caught:
            examiner._examine_large(from_json(json.dumps(row)), json.dumps(row).encode())
        whole = {(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in error.errors(include_url=False)}
        found = {(each.field, each.rule, each.message) for each in caught.value.violations(0)}
        assert found
        assert found <= whole
    else:
        examiner._examine_large(from_json(json.dumps(row)), json.dumps(row).encode())


LONG = b"[" + b",".join([b"1"] * 20_000) + b"]"
UNKNOWN = b",".join(b'"k%d":1' % place for place in range(10_000))
BAD = {
    "empty objects": b",".join([b"{}"] * 20_000),
    "a long list": b'{"a":%b}' % LONG,
    "a long list in an unknown field": b'{"a":1,"k":%b}' % LONG,
    "unknown fields": b'{"a":1,%b}' % UNKNOWN,
    "objects": b'{"b":[%b]}' % b",".join([b"{}"] * 20_000),
    "one key": b"{%b}" % b",".join([b'"k":1'] * 20_000),
}


@pytest.mark.parametrize("name", ["flat", "optional", "nested", "tagged union"])
@pytest.mark.parametrize("bad", BAD)
def test_a_reader_that_refuses_notes_few_violations_and_copies_little(name: str, bad: str) -> None:
    reader = Contract(core(TYPES[name]), core(Any))._reader
    with pytest.raises(ValidationError) as caught:
        reader.envelope(b'{"instances":[%b]}' % BAD[bad])
    assert caught.value.error_count() <= 4
    copied = sum(len(repr(each["input"])) for each in caught.value.errors(include_url=False))
    assert copied <= 2 * len(BAD[bad]) + 100


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("around", [b"%b", b'{"instances":[%b]}'])
def test_large_refusals_list_some_violations_and_say_where_there_are_more(name: str, bad: str, around: bytes) -> None:
    body = around % (b"{}" if (around, bad) == (b"%b", "empty objects") else BAD[bad])
    checked = read_rows(body, CONTRACTS[name])
    if not checked.failed:
        return
    with pytest.raises(ContractError) as caught:
        checked.require_all()
    problem = caught.value.problem()
    at_least = problem.get("at_least", False)
    assert 1 <= len(problem["errors"]) <= min(100, problem["count"])
    assert problem["count"] <= max(len(body) // 10, 100) + 64 * 5 or not at_least
    assert ("at least" in problem["detail"]) == (at_least and problem["count"] > 1)


def test_counting_ends_where_the_body_is_not_worth_more() -> None:
    body = b'{"instances":[%b]}' % BAD["empty objects"]
    with pytest.raises(ContractError) as caught:
        read_rows(body, FLAT).require_all()
    problem = caught.value.problem()
    assert problem["at_least"]
    assert len(body) // 10 <= problem["count"] < 100_000


def test_an_unknown_field_ends_a_typed_dict_but_not_a_union() -> None:
    from modelet.contract.readers import validator

    with pytest.raises(UnknownFieldError):
        validator(brief(core(Flat))).validate_json(b'{"a":1,"b":1,"c":1}')
    assert validator(brief(core(One | Two))).validate_json(b'{"kind":"two","b":1}') == {"kind": "two", "b": 1}


FLOAT = core_schema.float_schema()
DEFAULT = core_schema.with_default_schema(FLOAT, default=1.0)
FIELDS = core_schema.model_fields_schema({"a": core_schema.model_field(DEFAULT)})
FROM_ATTRIBUTES: Any = {"from_attributes": True}
WIDE: dict[str, Any] = {
    "attributes": core(Attributes),
    "subclass": core(Subclass),
    "optional": core(Attributes | None),
    "validated": core(Annotated[Attributes, AfterValidator(lambda value: value)]),
    "root": core(Root),
    "holder": core(Holder),
    "recursive": core(Branch),
    "dataclass": core(dataclass(type("Made", (), {"__annotations__": {"a": float}, "a": 1.0}))),
    "fields alone": {**FIELDS, **FROM_ATTRIBUTES},
    "fields alone, by the config around": FIELDS,
    "an instance of anything": core_schema.model_schema(Loose, FIELDS),
    "equal to anything": core_schema.literal_schema([Equal.A]),
    "a shared default": core_schema.definition_reference_schema("default"),
    "defaults inside": core_schema.nullable_schema(DEFAULT),
    "number": FLOAT,
}
AROUND: dict[str, Callable[[Any], Any]] = {
    "typed dict": lambda schema: core_schema.typed_dict_schema(
        {"x": core_schema.typed_dict_field(schema, required=True)}, config=FROM_ATTRIBUTES
    ),
    "typed dict of optional fields": lambda schema: core_schema.typed_dict_schema(
        {"x": core_schema.typed_dict_field(schema)}, total=False
    ),
    "model": lambda schema: core_schema.model_schema(
        Record, core_schema.model_fields_schema({"x": core_schema.model_field(schema)}), config=FROM_ATTRIBUTES
    ),
    "dataclass": lambda schema: core_schema.dataclass_schema(
        Data, core_schema.dataclass_args_schema("Data", [core_schema.dataclass_field("x", schema)]), ["x"]
    ),
    "dataclass that makes the field": lambda schema: core_schema.dataclass_schema(
        Data, core_schema.dataclass_args_schema("Data", [core_schema.dataclass_field("x", schema, init=False)]), ["x"]
    ),
}


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", WIDE)
def test_a_field_that_is_left_out_is_judged_as_before_whatever_its_schema_takes(
    name: str, around: str, ends: bool
) -> None:
    schema: Any = WIDE[name]
    shared = [{**DEFAULT, "ref": "default"}, *schema.get("definitions", ())]
    inner = schema["schema"] if schema["type"] == "definitions" else schema
    whole = {"type": "definitions", "schema": AROUND[around](inner), "definitions": shared}
    assert accepts(brief(whole, stops=ends), b"{}") == accepts(whole, b"{}")


def accepts(schema: Any, body: bytes) -> bool:
    from modelet.contract.readers import validator

    try:
        validator(schema).validate_json(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("body", [b"{}", b'{"instances":[{}]}'])
def test_a_nested_model_that_reads_attributes_is_required_all_the_same(body: bytes) -> None:
    with pytest.raises(ContractError, match="field b: Field required"):
        read_rows(body, CONTRACTS["from attributes"]).require_all()


def test_columns_are_counted_like_rows() -> None:
    columns: dict[str, list[Any]] = {"a": [-1.0] * 3_000, "b": [1] * 3_000}
    assert FLAT.check_columns(columns).count == FLAT.check_rows(as_rows(columns)).count == 3_000
