"""What is wrong with instances: each is looked at alone, and named with its fields, at a bounded cost.

Only refusals and partial answers come here; a function that never sees one never imports it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.contract.brief import FIELDS, MANY, MISSING, UnknownFieldError, brief, nodes
from modelet.contract.readers import list_of, validator
from modelet.contract.schema import ValidationError, around, to_json
from modelet.violation import LISTED_VIOLATIONS, LONGEST_NAME, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.pieces import Pieces
    from modelet.contract.schema import Core, SchemaValidator

LONGEST_MESSAGE = 1_000
"""Characters of a message, which may repeat what was sent."""

BYTES_EACH = 10
"""Bytes of a body for each violation that is counted in it: to count one takes about as long as to answer so many."""
SMALL = 32_768
"""Bytes of an instance times fields of its contract up to which all of its violations are found.

pydantic-core copies an instance for each field that it lacks.
"""
TOGETHER = 64
"""Instances whose violations are counted at once."""
KEPT = 100
"""Unknown fields of one object that are looked at."""

AS_JSON = frozenset(
    {
        *("dataclass_type", "dict_type", "frozen_set_type", "list_type", "model_attributes_type", "model_type"),
        *("named_tuple_type", "none_required", "set_type", "tuple_type"),
    }
)
"""Rules whose message speaks of JSON's types only where pydantic-core itself has read the JSON."""
UNLIKE = frozenset({"call", "function-wrap", "is-instance", "is-subclass", "json-or-python"})
"""Core schemas that may judge a Python value otherwise than the same value in JSON."""


class Examiner:
    """Says of one instance at a time what is wrong with it, by a contract's core schema."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def examine(self, row: Any) -> Any:
        """A good instance as the contract reads it. row: parsed JSON. Raises RefusalError."""
        text = to_json(row)
        if self._is_large(text):
            self._examine_large(row, text)
        try:
            return self._one.validate_json(text)
        except ValidationError as error:
            raise RefusalError(error, is_whole=True) from None

    def is_surely_bad(self, row: Any) -> bool:
        """Whether an instance is bad, as is soon told of most where nobody asks why. row: parsed JSON."""
        if not self._is_alike:
            return False
        try:
            self._brief.validate_python(row)
        except (ValidationError, UnknownFieldError):
            return True
        return False

    def is_good(self, row: Any, text: bytes) -> bool:
        """Whether to read an instance in one pass with others costs no more than an answer, even if it is bad.

        row: parsed JSON. text: the same as JSON.
        """
        if not self._is_large(text):
            return True
        try:
            self._examine_large(row, text)
        except RefusalError:
            return False
        return True

    def count(self, rows: list[Any] | Pieces, first: int, most: int | None) -> tuple[int, bool]:
        """How many violations rows have from one on, and whether these are all: more than `most` are not looked for."""
        count, is_whole = 0, True
        for part, size in _together(rows, first) if isinstance(rows, list) else rows.parts(first):
            if most is not None and count > most:
                return count, False
            if size <= SMALL if self._is_alike else size * self._width <= SMALL:
                try:
                    self._many.validate_python(part) if self._is_alike else self._many.validate_json(to_json(part))
                except ValidationError as error:
                    count += error.error_count()
                continue
            for row in part:
                try:
                    self.examine(row)
                except RefusalError as refusal:
                    count += refusal.error.error_count()
                    is_whole = is_whole and refusal.is_whole
        return count, is_whole

    def _is_large(self, text: bytes) -> bool:
        return len(text) * self._width > SMALL and self._is_alike

    def _examine_large(self, row: Any, text: bytes) -> None:
        """Look at a large instance as a Python value, of which nothing is copied. Raises RefusalError."""
        is_whole = not self._has_many
        is_wide = text.count(b":") > KEPT + len(self._names)
        seen = self._pruned(row) if is_wide and (self._forbids or self._is_plain) else row
        if seen is not row:
            is_whole = False
        try:
            self._large.validate_python(seen)
            if seen is not row and not self._forbids:
                self._large.validate_python(row)
        except ValidationError as error:
            raise RefusalError(error, is_whole=is_whole) from None

    @cached_property
    def _many(self) -> SchemaValidator:
        return validator(around(self._core, list_of))

    @cached_property
    def _one(self) -> SchemaValidator:
        return validator(self._core)

    @cached_property
    def _large(self) -> SchemaValidator:
        return validator(brief(self._core, ends=False))

    @cached_property
    def _brief(self) -> SchemaValidator:
        return validator(brief(self._core))

    @cached_property
    def _width(self) -> int:
        return max(1, sum(node["type"] in FIELDS for node in nodes(self._core)))

    @cached_property
    def _is_alike(self) -> bool:
        """Whether the contract judges JSON's values the same whether pydantic-core reads them or Python did."""
        strict = any(node.get("strict") or (node.get("config") or {}).get("strict") for node in nodes(self._core))
        return not strict and not any(node["type"] in UNLIKE for node in nodes(self._core))

    @cached_property
    def _has_many(self) -> bool:
        return any(node["type"] in MANY for node in nodes(self._core))

    @cached_property
    def _is_plain(self) -> bool:
        """Whether no object can be good for having many fields that the contract does not name."""
        return not any(
            node["type"].startswith("function-") or (node["type"] == "dict" and "min_length" in node)
            for node in nodes(self._core)
        )

    @cached_property
    def _forbids(self) -> bool:
        """Whether all objects refuse or ignore fields that the contract does not name."""
        open_ended = {"any", "dict", "function-before", "function-plain"}
        return not any(
            node["type"] in open_ended or node.get("extra_behavior") == "allow" for node in nodes(self._core)
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        """All names of fields, and all words of aliases, anywhere in the contract."""
        return frozenset(_names_of(self._core))

    def _pruned(self, value: Any) -> Any:
        """A value whose objects have few fields that the contract never names; the value itself where all are so."""
        if isinstance(value, dict):
            made = value
            if len(value) > KEPT + len(self._names):
                unknown = [name for name in value if name not in self._names]
                made = {name: value[name] for name in [*(self._names & value.keys()), *unknown[:KEPT]]}
            deep = {name: self._pruned(each) for name, each in made.items() if type(each) in {dict, list}}
            if all(made[name] is each for name, each in deep.items()):
                return made
            return {**made, **deep}
        if not isinstance(value, list) or not {dict, list} & set(map(type, value)):
            return value
        items = [self._pruned(each) for each in value]
        return value if all(made is each for made, each in zip(items, value, strict=True)) else items


def _together(rows: list[Any], first: int) -> Iterator[tuple[list[Any], int]]:
    """Rows from one on, some at a time, and the bytes that they would be as JSON."""
    for start in range(first, len(rows), TOGETHER):
        part = rows[start : start + TOGETHER]
        yield part, len(to_json(part))


class RefusalError(Exception):
    """An instance breaks its contract. is_whole: whether the error holds all of its violations."""

    def __init__(self, error: ValidationError, *, is_whole: bool) -> None:
        self.error = error
        self.is_whole = is_whole
        super().__init__()

    def violations(self, instance: int | None) -> list[Violation]:
        """The violations, as an answer names them: at most as many as it lists."""
        found = self.error.errors(include_url=False, include_context=True)
        return [_violation(instance, item) for item in found[:LISTED_VIOLATIONS]]


def place(path: tuple[int | str, ...]) -> str:
    """A path into a value, each part cut: a caller may name a field at any length."""
    return ".".join(str(part)[:LONGEST_NAME] for part in path)


def _violation(instance: int | None, item: Any) -> Violation:
    rule, message = item["type"], item["msg"]
    if rule == "model_attributes_type":  # what a tagged union says of a Python value that is no object
        rule = "dict_type"
    if item["input"] is MISSING:
        rule, message = "missing", "Field required"
    elif rule in AS_JSON:
        line = {"type": rule, "loc": (), "input": None, "ctx": item.get("ctx", {})}
        said = ValidationError.from_exception_data("", [line], "json")  # type: ignore[list-item] # a line as it came
        message = said.errors(include_url=False)[0]["msg"]
    return Violation(instance, place(item["loc"]), message[:LONGEST_MESSAGE], rule)


def _names_of(core: Core) -> Iterator[str]:
    for node in nodes(core):
        fields = node.get("fields")
        if isinstance(fields, dict):
            yield from fields
        if isinstance(node.get("name"), str):
            yield node["name"]
        yield from _words(node.get("validation_alias"))


def _words(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list | tuple):
        for part in alias:
            yield from _words(part)
