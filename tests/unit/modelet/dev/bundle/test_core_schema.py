"""Core schemas as JSON: equal in every process, and a plain reason where there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge, Interval, Len
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import SchemaValidator
from typing_extensions import TypedDict

from modelet.dev.bundle.core_schema import compile_type


class Address(TypedDict):
    city: Annotated[str, Len(1, 40)]
    zip: NotRequired[str | None]


class Person(TypedDict):
    age: Annotated[int, Interval(ge=0, lt=150)]
    name: str
    homes: list[Address]
    first: Address
    born: date
    kind: Literal["a", "b"]
    score: Annotated[float, Ge(0)] | None
    type: str
    config: dict[str, float]
    fields: tuple[int, str]


typed_dict: Any = TypedDict
"""As a plain callable: these types are made in the middle of an expression."""


class Colour(Enum):
    RED = "red"


class Klass(BaseModel):
    x: float


def test_a_typed_dict_compiles_to_json_that_reads_back() -> None:
    compiled = compile_type(Person)
    text = json.dumps(compiled.core)
    value = {
        "age": 5,
        "name": "n",
        "homes": [{"city": "c", "zip": None}],
        "first": {"city": "c"},
        "born": "2026-01-02",
        "kind": "a",
        "score": None,
        "type": "t",
        "config": {"k": 1.0},
        "fields": [1, "x"],
    }
    assert SchemaValidator(json.loads(text)).validate_json(json.dumps(value))["born"] == date(2026, 1, 2)
    assert not re.search(r"0x|\d{9,}", text), "a memory address would make every bundle differ"


def test_the_same_type_compiles_to_the_same_bytes_in_another_process() -> None:
    script = (
        "import json; from typing import Annotated\n"
        "from annotated_types import Len; from typing_extensions import TypedDict\n"
        "from modelet.dev.bundle.core_schema import compile_type\n"
        "A = TypedDict('A', {'x': Annotated[str, Len(1, 2)]}); B = TypedDict('B', {'a': A, 'b': list[A]})\n"
        "print(json.dumps(compile_type(B).core))"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout for _ in range(2)
    )
    assert first == second
    assert b"definition-1" in first


def test_fields_with_the_names_of_schema_words_are_tightened_like_any_other() -> None:
    odd = typed_dict("odd", {"type": float, "config": float, "default": float, "metadata": float})
    compiled = compile_type(odd).core
    assert compiled is not None
    validator = SchemaValidator(compiled)
    assert validator.validate_json(b'{"type": 1, "config": 1, "default": 1, "metadata": 1}')
    for name in ("type", "config", "default", "metadata"):
        body = json.dumps({"type": 1, "config": 1, "default": 1, "metadata": 1, name: float("nan")})
        with pytest.raises(ValueError, match="finite"):
            validator.validate_json(body)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Klass, "needs the class Klass"),
        (typed_dict("t", {"c": Colour}), "field c needs"),
        (typed_dict("t", {"c": Annotated[int, AfterValidator(lambda x: x)]}), "field c needs the function"),
        (typed_dict("t", {"c": list[Klass]}), "field c needs the class Klass"),
        (Annotated[date, Ge(date(2020, 1, 1))], "needs the value datetime.date"),
        (typed_dict("t", {"c": Annotated[str, Field(pattern=re.compile("a"))]}), "field c needs"),
    ],
)
def test_what_only_python_can_run_is_named(kind: Any, reason: str) -> None:
    compiled = compile_type(kind)
    assert compiled.core is None
    assert compiled.reason.startswith(reason)
