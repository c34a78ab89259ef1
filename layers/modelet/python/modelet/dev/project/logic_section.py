"""The section of model.yaml for rules around a model."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema

from modelet.dev.project.messages import nearest, quoted
from modelet.dev.project.sections import Section

if TYPE_CHECKING:
    from modelet.dev.project.sections import Preprocessing

MAX_DEPTH = 100
"""The deepest nesting of a rule."""
MAX_SIZE = 20_000
"""The most values in a rule: operators, paths and constants."""
MAX_INTEGER = 2**63 - 1

FieldKind = Literal["integer", "number", "string", "boolean", "list", "object", "any"]
KINDS = get_args(FieldKind)
NULL = "null"


def _kind(given: str) -> str:
    parts = [part.strip() for part in given.split("|")]
    kinds = [part for part in parts if part != NULL]
    if len(kinds) != 1 or kinds[0] not in KINDS or len(parts) > 2 or len(set(parts)) < len(parts):
        near = nearest(kinds[0], KINDS) if kinds else None
        remedy = f"did you mean {near}?" if near and near not in kinds else f"give one of {', '.join(KINDS)}"
        raise ValueError(f"{quoted(given)} is not a type: {remedy}; `string | null` if it may be missing")
    return " | ".join([kinds[0], NULL] if NULL in parts else kinds)


def _rule(rule: Any) -> Any:
    _check(rule, MAX_DEPTH, [0])
    return rule


def _check(rule: Any, depth: int, seen: list[int]) -> None:
    """Raise ValueError unless a rule is JSON of a bounded size."""
    seen[0] += 1
    if seen[0] > MAX_SIZE:
        raise ValueError(f"the rule has more than {MAX_SIZE:,} values: make it shorter, or write it in Python")
    if not depth:
        raise ValueError(f"the rule is nested more than {MAX_DEPTH} levels deep: use `with` for its parts")
    if isinstance(rule, dict):
        for name, part in rule.items():
            if type(name) is not str:
                raise ValueError(f"YAML reads the key {quoted(name)}, which is not text: put it in quotes")
            _check(name, depth, seen)
            _check(part, depth - 1, seen)
    elif isinstance(rule, list):
        for part in rule:
            _check(part, depth - 1, seen)
    elif said := _not_json(rule):
        raise ValueError(f"the rule has {said}, or text in quotes")


def _not_json(value: Any) -> str:
    """Return what is wrong with a constant that JSON, or another reader of JSON, does not have; empty if nothing is."""
    if isinstance(value, float) and not isfinite(value):
        return f"{value}, which JSON does not have: write a finite number"
    if type(value) is int and abs(value) > MAX_INTEGER:
        return f"{quoted(value)}, an integer of more than 64 bits: write 1e20"
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        return "half of a surrogate pair, which is not a character: write the character"
    return ""


_SCHEMA: dict[str, Any] = {"type": ["object", "array", "string", "number", "boolean", "null"]}
RuleText = Annotated[Any, AfterValidator(_rule), WithJsonSchema(_SCHEMA)]
Kind = Annotated[
    str,
    AfterValidator(_kind),
    WithJsonSchema({"type": "string", "pattern": rf"^({'|'.join(KINDS)})( *\| *null)?$"}),
]
FieldName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^.]+$")]


class Logic(Section):
    """Rules in JsonLogic around a model, or instead of one."""

    instance: dict[FieldName, Kind] | None = Field(
        default=None,
        description="The fields of an instance and their types, where there is no class; by default, the columns of "
        "the version.",
    )
    preprocess: RuleText = Field(
        default=None,
        description="A rule for each column of the version, or one rule that gives an object with all of them. "
        "Its data is the instance.",
    )
    predict_fn: Literal["predict", "predict_proba", "none"] | None = Field(
        default=None,
        description="What the prediction is: the label or the number; the probabilities of all labels; or nothing, "
        "because no model is run. By default, the whole answer of the model.",
    )
    select: RuleText = Field(
        default=None,
        description="A rule that gives the name of one of the version's models, or {answer: …} without one. "
        "Its data is {instance, features}.",
    )
    postprocess: RuleText = Field(
        default=None, description="A rule that gives the answer. Its data is {instance, features, model, prediction}."
    )
    operations: int = Field(
        default=100_000, ge=1, le=10_000_000, description="The most operations of one rule for one instance."
    )
    clock: bool = Field(default=False, description="Allow `now`: the same request may then have different answers.")

    def check_consistency(self, preprocessing: Preprocessing | None, *, probabilities: bool) -> None:
        """Raise ValueError if the section says nothing, or two things at once."""
        given = next((key for key in ("postprocess", "select") if getattr(self, key) is not None), None)
        if not probabilities and given:
            raise ValueError(
                f"probabilities: false has no effect, because logic.{given} decides the answer: remove it, and leave "
                "the probabilities out in logic.postprocess"
            )
        if self.preprocess is not None and preprocessing is not None:
            raise ValueError("logic.preprocess: is instead of preprocessing: remove one of them")
        if self.predict_fn == "none" and self.preprocess is None and self.postprocess is None:
            raise ValueError(
                "logic.predict_fn: none runs no model, and no rule gives an answer: write logic.postprocess"
            )
        if self.select is not None and self.predict_fn == "none":
            raise ValueError("logic.select: chooses a model, but logic.predict_fn: none runs none: remove one of them")
        if self.select is not None and preprocessing is not None:
            raise ValueError("logic.select: needs each row's values: write logic.preprocess instead of preprocessing")
        if (self.preprocess, self.select, self.postprocess, self.predict_fn) == (None, None, None, None):
            raise ValueError("logic: has no rule: write logic.preprocess, logic.postprocess or logic.predict_fn")
