"""What a contract is written with means what annotated-types, typing_extensions and pydantic mean by it."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

import annotated_types
import pydantic
import pytest
import typing_extensions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

import modelet.typing
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.schema import json_schema
from modelet.typing import Len, Strict, TypedDict

NUMBERS = st.integers(-5, 5) | st.floats(-5, 5, allow_nan=False)
COUNTS = st.integers(0, 5)
CONSTRAINTS: st.SearchStrategy[tuple[Any, str, tuple[Any, ...], dict[str, Any]]] = st.one_of(
    st.tuples(st.just(float), st.sampled_from(["Gt", "Ge", "Lt", "Le"]), st.tuples(NUMBERS), st.just({})),
    st.tuples(st.just(float), st.just("MultipleOf"), st.tuples(st.integers(1, 5)), st.just({})),
    st.tuples(st.just(float), st.just("Interval"), st.just(()), st.fixed_dictionaries({"ge": NUMBERS, "lt": NUMBERS})),
    st.tuples(st.just(str), st.sampled_from(["MinLen", "MaxLen"]), st.tuples(COUNTS), st.just({})),
    st.tuples(st.just(list[int]), st.just("Len"), st.tuples(COUNTS, COUNTS), st.just({})),
)


@given(CONSTRAINTS)
def test_a_constraint_is_the_one_of_annotated_types(drawn: tuple[Any, str, tuple[Any, ...], dict[str, Any]]) -> None:
    kind, name, values, named = drawn
    ours = getattr(modelet.typing, name)(*values, **named)
    theirs = getattr(annotated_types, name)(*values, **named)
    assert compile_type(Annotated[kind, ours]) == compile_type(Annotated[kind, theirs])
    assert json_schema(Annotated[kind, ours], "validation") == json_schema(Annotated[kind, theirs], "validation")


def test_strict_is_pydantic_s() -> None:
    assert compile_type(Annotated[float, Strict()]) == compile_type(Annotated[float, pydantic.Strict()])
    with pytest.raises(pydantic.ValidationError):
        TypeAdapter(Annotated[float, Strict()]).validate_python("1")


def test_a_constraint_shows_what_it_is() -> None:
    assert repr(Len(1, 3)) == "[MinLen(min_length=1), MaxLen(max_length=3)]"


def test_a_wrong_argument_is_refused_when_the_contract_is_compiled() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'least'"):
        compile_type(Annotated[str, Len(least=1)])  # type: ignore[call-arg]  # that is what is tried


def test_a_typed_dict_is_one_that_pydantic_reads() -> None:
    assert TypedDict is typing_extensions.TypedDict


@pytest.mark.parametrize("name", modelet.typing.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(modelet.typing, name) is not None


def test_writing_a_constraint_imports_nothing() -> None:
    code = (
        "import sys; from modelet.typing import Ge, Len; Len(1, 2); Ge(0);"
        "sys.exit(' '.join({'annotated_types', 'dataclasses', 'pydantic'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
