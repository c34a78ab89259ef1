"""A contract is held against what its version was proven with, when it is bundled; the rest is refused at run time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, NamedTuple, NotRequired
from uuid import UUID

import numpy as np
import onnx
import pytest
from annotated_types import Ge, Gt, Le, Len, Lt, MultipleOf, Predicate
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AnyUrl,
    Base64Bytes,
    Base64Str,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    ImportString,
    IPvAnyAddress,
    Json,
    RootModel,
    Secret,
    SecretStr,
    TypeAdapter,
    create_model,
    model_validator,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from modelet.backends.onnx import OnnxModel
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.dev.bundle.columns import column_types
from modelet.dev.bundle.constraints import inapplicable
from modelet.dev.bundle.proof import check_fields
from modelet.dev.publish.draft import draft, listed
from modelet.errors import CommandError, ContractError
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.store.manifest import Column, Manifest
from support.projects import APP, make_tiny
from support.services import manifest

NUMBER, WHOLE, TEXT, FLAG = Column("a", "number"), Column("a", "integer"), Column("a", "string"), Column("a", "boolean")
BOUNDED = Column("a", "number", minimum=0, maximum=5.5)
SIZES = Column("a", "string", categories=("s", "m"))
GAPS = Column("a", "number", nullable=True)


def core_of(kind: Any, *, returned: bool = False) -> Any:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def version(*columns: Column, **members: Any) -> Manifest:
    return manifest(columns=columns, features=tuple(column.name for column in columns), **members)


def typed_dict(kind: Any) -> Any:
    return record("Row", {"a": kind})


def record(name: str, fields: dict[str, Any]) -> Any:
    make: Any = TypedDict  # made from data, so beyond a type checker
    return make(name, fields)


def named_tuple(kind: Any) -> Any:
    make: Any = NamedTuple
    return make("Row", [("a", kind)])


CLASSES: dict[str, Callable[[Any], Any]] = {
    "TypedDict": typed_dict,
    "BaseModel": lambda kind: create_model("Row", a=(kind, ...)),
    "dataclass": lambda kind: make_dataclass("Row", [("a", kind)]),
    "NamedTuple": named_tuple,
    "tuple": lambda kind: GenericAlias(tuple, (kind,)),
    "bare": lambda kind: kind,
}


def size_of(value: Any) -> Any:
    """A number without its sign; what is no number is left to the type's own check."""
    return abs(value) if isinstance(value, int | float) else value


def without_address(value: Any) -> str:
    """A case's name: its text, without the address of a function in it, which differs between test processes."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


class Size(Enum):
    SMALL = "s"
    MIDDLE = "m"


class Mark(Enum):
    LOW = 1
    HIGH = 6


WIDER: list[tuple[Column, Any, str]] = [
    (WHOLE, float, "float"),
    (WHOLE, Decimal, "Decimal"),
    (WHOLE, int | float, "float"),
    (WHOLE, int | str, "str"),
    (WHOLE, int | None, "None"),
    (WHOLE, Literal[1, 2.5], "2.5"),
    (NUMBER, float | None, "None"),
    (NUMBER, str, "str"),
    (NUMBER, Any, "any"),
    (NUMBER, list[float], "list"),
    (NUMBER, Literal[1, "x"], "'x'"),
    (TEXT, str | None, "None"),
    (TEXT, int | str, "int"),
    (TEXT, float, "float"),
    (TEXT, Mark, "1"),
    (FLAG, int, "int"),
    (FLAG, float, "float"),
    (FLAG, Annotated[int, Ge(0), Le(2)], "such as 2"),
    (BOUNDED, float, "outside the bounds"),
    (BOUNDED, Annotated[float, Ge(0)], "up to 5.5"),
    (BOUNDED, Annotated[float | int, Ge(-1), Le(5)], "from 0"),
    (BOUNDED, Annotated[Decimal, Ge(0), Le(6)], "Decimal"),
    (BOUNDED, Annotated[int, Ge(0), Le(6)], "such as 6"),
    (BOUNDED, Mark, "6"),
    (SIZES, str, "categories"),
    (SIZES, Literal["s", "l"], "'l'"),
    (TEXT, SecretStr, "SecretStr"),
    (TEXT, AnyUrl, "an object that pydantic creates"),
    (TEXT, IPvAnyAddress, "an object that pydantic creates"),
    (TEXT, ImportString, "an object that pydantic creates"),
    (TEXT, IPv4Address, "an object that pydantic creates"),
    (TEXT, Path, "an object that pydantic creates"),
    (TEXT, Base64Bytes, "an object that pydantic creates"),
    (TEXT, Secret[str], "an object that pydantic creates"),
    (TEXT, UUID, "uuid"),
    (TEXT, Json[str], "json"),
    (TEXT, date, "date"),
    (TEXT, bytes, "bytes"),
    (NUMBER, timedelta, "timedelta"),
]
FITTING: list[tuple[Column, Any]] = [
    (TEXT, Base64Str),
    (TEXT, Annotated[str, Predicate(str.islower)]),
    (TEXT, Annotated[AnyUrl, AfterValidator(str)]),
    (WHOLE, ByteSize),
    (WHOLE, int),
    (WHOLE, bool),
    (WHOLE, Literal[1, 2]),
    (WHOLE, Annotated[float, MultipleOf(1)]),
    (WHOLE, Annotated[Decimal, Field(decimal_places=0)]),
    (NUMBER, float),
    (NUMBER, int),
    (NUMBER, int | float),
    (NUMBER, Decimal),
    (NUMBER, Annotated[str, AfterValidator(float)]),
    (NUMBER, Annotated[float, BeforeValidator(size_of)]),
    (GAPS, float | None),
    (TEXT, Annotated[str, Len(1, 9)]),
    (TEXT, Size),
    (FLAG, bool),
    (FLAG, Literal[0, 1]),
    (BOUNDED, Annotated[float, Ge(0), Le(5.5)]),
    (BOUNDED, Annotated[float, Gt(0), Lt(5)]),
    (BOUNDED, Annotated[int | float, Ge(0), Le(5)]),
    (BOUNDED, Annotated[int, Gt(-1), Lt(6)]),
    (BOUNDED, Annotated[float, AfterValidator(abs)]),
    (SIZES, Size),
    (SIZES, Literal["s"]),
]


@pytest.mark.parametrize("shape", CLASSES)
@pytest.mark.parametrize(("column", "kind", "said"), WIDER, ids=str)
def test_a_field_that_is_wider_than_its_column_is_refused(column: Column, kind: Any, said: str, shape: str) -> None:
    with pytest.raises(CommandError) as refused:
        check_fields("app.py", version(column), core_of(CLASSES[shape](kind)))
    assert said in str(refused.value)
    assert "override preprocess" in str(refused.value)


@pytest.mark.parametrize("shape", CLASSES)
@pytest.mark.parametrize(("column", "kind"), FITTING, ids=without_address)
def test_a_field_that_its_column_was_proven_with_is_taken(column: Column, kind: Any, shape: str) -> None:
    check_fields("app.py", version(column), core_of(CLASSES[shape](kind)))


@pytest.mark.parametrize("kind", [float, int, Annotated[float, Ge(-500)], Literal[1000]])
def test_bounds_that_publish_found_need_not_be_in_a_contract(kind: Any) -> None:
    found = Column("a", "number", minimum=-46, maximum=46, found=("minimum", "maximum"))
    check_fields("app.py", version(found), core_of(CLASSES["TypedDict"](kind)))
    with pytest.raises(CommandError, match="but the examples have numbers from -46"):
        check_fields("app.py", version(found._replace(found=("maximum",))), core_of(CLASSES["TypedDict"](float)))


def test_a_field_that_may_be_left_out_is_none() -> None:
    make: Any = TypedDict
    for row in (make("Row", {"a": NotRequired[float]}), make("Row", {"a": float}, total=False)):
        with pytest.raises(CommandError, match="a may be left out, but every example has a value"):
            check_fields("app.py", version(NUMBER), core_of(row))
        check_fields("app.py", version(GAPS), core_of(row))


def test_a_default_is_a_value_like_any_other() -> None:
    for default, column in ((None, NUMBER), (7.0, BOUNDED), ("x", SIZES)):
        kind: Any = str if column is SIZES else Annotated[float, Ge(0), Le(5.5)]
        with pytest.raises(CommandError, match="a may be the default"):
            check_fields("app.py", version(column), core_of(create_model("Row", a=(kind, default))))
    check_fields("app.py", version(NUMBER), core_of(create_model("Row", a=(float, 1.5))))
    check_fields("app.py", version(NUMBER), core_of(create_model("Row", a=(float, Field(default_factory=float)))))


class Aliased(BaseModel):
    petal: float = Field(alias="petal length (cm)")


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    petal_length: float


class Chosen(BaseModel):
    petal_length: float = Field(validation_alias=AliasChoices("PetalLength", AliasPath("petal", 0)))


@dataclass
class Plain:
    petal_length: Annotated[float, Field(alias="petal length (cm)")]


class Keyed(TypedDict):
    petal: Annotated[float, Field(alias="petal length (cm)")]


@pytest.mark.parametrize("row", [Generated, Chosen, Plain])
def test_a_field_is_read_by_its_own_name_whatever_requests_call_it(row: Any) -> None:
    check_fields("app.py", version(Column("petal_length", "number")), core_of(row))


@pytest.mark.parametrize("row", [Aliased, Keyed])
def test_a_feature_that_is_only_an_alias_is_refused(row: Any) -> None:
    with pytest.raises(CommandError, match=r"petal length \(cm\) is an alias of petal.*use these names for the fields"):
        check_fields("app.py", version(Column("petal length (cm)", "number")), core_of(row))


class Derived(BaseModel):
    b: float

    @property
    def a(self) -> float:
        return 2 * self.b


class Filled(BaseModel):
    a: float | None

    @model_validator(mode="after")
    def _fill(self) -> Filled:
        self.a = self.a or 0.0
        return self


@pytest.mark.parametrize("row", [Derived, Filled, Annotated[typed_dict(float | None), AfterValidator(dict)]])
def test_what_only_the_author_s_code_tells_is_left_to_the_run_time(row: Any) -> None:
    check_fields("app.py", version(NUMBER), core_of(row))


@pytest.mark.parametrize(
    "row", [dict[str, float], list[float], Any, tuple[float, ...], RootModel[float], typed_dict(float) | list[float]]
)
def test_an_instance_without_the_version_s_fields_is_refused(row: Any) -> None:
    with pytest.raises(CommandError, match=r"version 3 (needs|was trained with)"):
        check_fields("app.py", version(NUMBER, Column("b", "number")), core_of(row))


@given(
    st.builds(
        Column,
        st.just("a"),
        st.sampled_from(["number", "integer", "boolean"]),
        nullable=st.booleans(),
        categories=st.none(),
        minimum=st.none() | st.sampled_from([-1, 0]),
        maximum=st.none() | st.sampled_from([1, 3.5]),
        found=st.just(()),
    )
    | st.sampled_from([Column("a", "string", nullable, of) for nullable in (False, True) for of in (None, ("s", "m"))])
)
def test_the_version_s_own_columns_are_a_contract_that_fits_them(column: Column) -> None:
    if column.type == "boolean":
        column = column._replace(minimum=None, maximum=None)
    found = version(column)
    check_fields("app.py", found, core_of(column_types(found)[0]))


# What a request brings


@pytest.fixture(scope="module")
def models() -> dict[str, OnnxModel[Any, Any]]:
    """Graphs that answer with what reached them, by the type of their input."""
    return {kind: _mirror(kind) for kind in ("FLOAT", "INT64", "STRING")}


def _mirror(kind: str) -> OnnxModel[Any, Any]:
    tensors = [
        helper.make_tensor_value_info(name, getattr(TensorProto, kind), [None, 1]) for name in ("input", "variable")
    ]
    graph = helper.make_graph([helper.make_node("Identity", ["input"], ["variable"])], "g", tensors[:1], tensors[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    model = OnnxModel[Any, Any]()
    files = {"model.onnx": onnx.ModelProto.SerializeToString(made)}
    found = version(NUMBER, files=listed(files))
    with draft(found, files) as artifacts:
        model.load(artifacts)
    return model


KINDS = [kind for _, kind, _ in WIDER] + [kind for _, kind in FITTING]
COLUMNS = [WHOLE, NUMBER, GAPS, TEXT, FLAG, BOUNDED, SIZES, WHOLE._replace(nullable=True)]
BODY = (
    st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
    | st.sampled_from([1, 6, 2.5, 35.9, 10**19, 10**400, 2**24 + 1, 1e39, "s", "m", "l", "1", "2.5"])
)


def _is_same(sent: Any, got: Any) -> bool:
    plain = sent.value if isinstance(sent, Enum) else sent
    if isinstance(plain, str) or isinstance(got, str):
        return bool(plain == got)
    if plain is None:
        return bool(np.isnan(got))
    return bool(np.float32(plain) == np.float32(got)) and (plain == got or plain != int(plain) or abs(plain) > 2**24)


@given(st.sampled_from(COLUMNS), st.sampled_from(KINDS), st.sampled_from(sorted(CLASSES)), BODY, st.booleans())
@example(WHOLE, float, "TypedDict", 35.9, True)
@example(TEXT, int | str, "BaseModel", 1, True)
@example(TEXT, IPvAnyAddress, "bare", 0, True)
@example(WHOLE, IPvAnyAddress, "bare", 0, True)
def test_a_value_reaches_the_model_as_it_is_or_is_refused(
    models: dict[str, OnnxModel[Any, Any]], column: Column, kind: Any, shape: str, value: Any, is_own: bool
) -> None:
    """is_own: the author prepares the instances, and hands them on; the contract is then not held against columns."""
    core = core_of(CLASSES[shape](kind))
    found = version(column, model_info={"task": "regression"})
    if not is_own:
        try:
            check_fields("app.py", found, core)
        except CommandError:
            return
    whole = column.type in {"integer", "boolean"} and not column.nullable
    model = models["STRING" if column.type == "string" else "INT64" if whole else "FLOAT"]
    for stale in {"_packers"} & vars(model).keys():
        delattr(model, stale)
    model.manifest = found
    contract = Contract(core, core_of(Any))
    hand_on = partial(OnnxModel.preprocess, model) if is_own else None
    pipeline = InferencePipeline(model, contract, preprocess=hand_on)
    body = [value] if shape in {"tuple", "NamedTuple"} else value if shape == "bare" else {"a": value}
    checked = contract.check_rows([body])
    got, refused = None, []
    try:
        [got] = pipeline.infer(pipeline.contract.check_rows([body]), Timings()).predictions
    except ContractError as error:
        refused = [one.field for one in error.violations]
    if refused:
        assert checked.failed or refused == ["a"]
    else:
        [sent] = checked.instances
        by_name = sent if shape == "bare" else sent["a"] if shape == "TypedDict" else None
        cell = by_name if shape in {"bare", "TypedDict"} else sent[0] if shape == "tuple" else sent.a
        assert _is_same(cell, got)
        assert column.nullable or cell is not None
        assert not column.categories or got in column.categories


# Constraints


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Annotated[str, Ge(0)], "ge cannot apply to str"),
        (Annotated[float, Len(1)], "min_length cannot apply to float"),
        (Annotated[float, Field(pattern="x")], "pattern cannot apply to float"),
        (Annotated[int | str, Ge(0)], "ge cannot apply to str"),
        (Annotated[Size, Le(3)], "le cannot apply to 's'"),
        (list[Annotated[str, MultipleOf(2)]], "multiple_of cannot apply to str"),
    ],
    ids=str,
)
def test_a_constraint_that_cannot_apply_is_named(kind: Any, said: str) -> None:
    for shape in ("TypedDict", "BaseModel", "dataclass"):
        found = list(inapplicable(core_of(CLASSES[shape](kind))))
        assert [sentence.partition(": ")[0] for sentence in found][:1] == ["field a"]
        assert said in found[0]


@pytest.mark.parametrize(
    "kind",
    [
        Annotated[float | None, Ge(0)],
        Annotated[int | float, Ge(0)],
        Annotated[str | None, Len(1, 3)],
        Annotated[list[str] | str, Len(1)],
        Annotated[Literal[1, 2], Ge(0)],
        Annotated[str, Field(pattern="x")],
        Annotated[float, AfterValidator(abs)],
    ],
    ids=str,
)
def test_a_constraint_that_applies_is_left_alone(kind: Any) -> None:
    assert list(inapplicable(core_of(typed_dict(kind)))) == []


# Bundles


def bundled(root: Any, row: str, *, own: str = "pass", columns: tuple[Column, ...] = (), **said: Any) -> str:
    app = APP.replace("    a: Annotated[float, Ge(0), Le(1000)]\n    b: float", row).replace("pass", own)
    make_tiny(root, app=app, columns=columns, **said)
    return app


def test_a_bundle_of_a_wider_contract_is_refused_unless_the_author_prepares_the_instances(tmp_path: Any) -> None:
    columns = (Column("a", "integer"), Column("b", "number"))
    row = "    a: float | None\n    b: float"
    with pytest.raises(CommandError, match=r"app\.py: the contract accepts .* a may be None.* \(write a: int\)"):
        bundled(tmp_path / "1", row, columns=columns)
    prepare = "def preprocess(self, instances): return super().preprocess(instances)"
    assert bundled(tmp_path / "2", row, columns=columns, own=prepare)
    named: dict[str, Any] = {
        "spec": "preprocessing: {module: features, function: f}\n",
        "features_py": "def f(instances): return {}\n",
    }
    assert bundled(tmp_path / "3", row, columns=columns, **named)


def test_a_bundle_that_can_only_fail_is_refused(tmp_path: Any) -> None:
    columns = (Column("a", "number"), Column("b", "number"))
    with pytest.raises(CommandError, match="the instance's contract: field b: the constraint ge cannot apply to str"):
        bundled(tmp_path / "1", "    a: float\n    b: Annotated[str, Ge(0)]", columns=columns)
    labels: dict[str, Any] = {"model_info": {"task": "classification", "labels": ["high", "low", "none"]}}
    with pytest.raises(CommandError, match=r"the prediction's contract rejects \{'label': 'none'"):
        bundled(tmp_path / "2", "    a: float\n    b: float", columns=columns, **labels)
    shape = "def postprocess(self, outputs, instances): return []"
    assert bundled(tmp_path / "3", "    a: float\n    b: float", columns=columns, own=shape, **labels)
    with pytest.raises(CommandError, match=r"the contract cannot be read: RuntimeError: .*strict"):
        bundled(tmp_path / "4", "    a: Annotated[float | int, __import__('pydantic').Strict()]", columns=columns)
