"""Find the violations of each instance, one by one, at a bounded cost.

Used for rejections and partial answers only; a function without them never imports this module.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.contract.brief import FIELDS, MANY, MISSING, UnknownFieldError, brief, nodes
from modelet.contract.readers import list_of, validator
from modelet.contract.schema import ValidationError, around, to_json
from modelet.violation import LISTED_VIOLATIONS, MAX_NAME_LENGTH, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.pieces import Pieces
    from modelet.contract.schema import Core, SchemaValidator

MAX_MESSAGE_LENGTH = 1_000
"""The most characters of a message, which may repeat what was sent."""

BYTES_EACH = 10
"""Bytes of a body per counted violation: counting one takes about as long as answering this many bytes."""
SMALL = 32_768
"""Bytes of an instance times fields of its contract, up to which all of its violations are found.

pydantic-core copies an instance for each missing field.
"""
COUNTED_TOGETHER = 64
"""Instances whose violations are counted at once."""
UNKNOWN_FIELDS = 100
"""The most unknown fields of one object that are validated."""

JSON_MESSAGES = frozenset(
    {
        *("dataclass_type", "dict_type", "frozen_set_type", "list_type", "model_attributes_type", "model_type"),
        *("named_tuple_type", "none_required", "set_type", "tuple_type"),
    }
)
"""Rules whose message has JSON's names of types only if pydantic-core itself parsed the JSON."""
UNLIKE = frozenset({"bytes", "call", "function-wrap", "is-instance", "is-subclass", "json-or-python"})
"""Core schemas that may treat a Python value differently from the same value in JSON."""


class Examiner:
    """Validate one instance at a time with a contract's core schema, and report its violations."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def examine(self, row: Any) -> Any:
        """Return the validated instance. row: parsed JSON. Raises RowError."""
        text = to_json(row)
        if self._is_large(text):
            self._examine_large(row, text)
        try:
            return self._one.validate_json(text)
        except ValidationError as error:
            raise RowError(error, is_complete=True) from None

    def is_surely_bad(self, row: Any) -> bool:
        """Return whether a quick check finds an instance bad; False is not certain. row: parsed JSON."""
        if not self._is_alike:
            return False
        try:
            self._brief.validate_python(row)
        except (ValidationError, UnknownFieldError):
            return True
        return False

    def is_cheap(self, row: Any, text: bytes) -> bool:
        """Return whether validating an instance in one pass costs no more than an answer, even if it is bad.

        row: parsed JSON. text: the same as JSON.
        """
        if not self._is_large(text):
            return True
        try:
            self._examine_large(row, text)
        except RowError:
            return False
        return True

    def count(self, rows: list[Any] | Pieces, first: int, most: int | None) -> tuple[int, bool]:
        """Count the violations of rows from `first` on, up to about `most`; return the count and if it is complete."""
        count, is_complete = 0, True
        for part, size in _parts(rows, first) if isinstance(rows, list) else rows.parts(first):
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
                except RowError as bad:
                    count += bad.error.error_count()
                    is_complete = is_complete and bad.is_complete
        return count, is_complete

    def _is_large(self, text: bytes) -> bool:
        return len(text) * self._width > SMALL and self._is_alike

    def _examine_large(self, row: Any, text: bytes) -> None:
        """Validate a large instance as a Python value, of which nothing is copied. Raises RowError."""
        is_complete = not self._has_many
        is_wide = text.count(b":") > UNKNOWN_FIELDS + len(self._names)
        pruned = self._pruned(row) if is_wide and (self._forbids or self._is_plain) else row
        if pruned is not row:
            is_complete = False
        try:
            self._large.validate_python(pruned)
            if pruned is not row and not self._forbids:
                self._large.validate_python(row)
        except ValidationError as error:
            raise RowError(error, is_complete=is_complete) from None

    @cached_property
    def _many(self) -> SchemaValidator:
        return validator(around(self._core, list_of))

    @cached_property
    def _one(self) -> SchemaValidator:
        return validator(self._core)

    @cached_property
    def _large(self) -> SchemaValidator:
        return validator(brief(self._core, stops=False))

    @cached_property
    def _brief(self) -> SchemaValidator:
        return validator(brief(self._core))

    @cached_property
    def _width(self) -> int:
        return max(1, sum(node["type"] in FIELDS for node in nodes(self._core)))

    @cached_property
    def _is_alike(self) -> bool:
        """Whether the contract gives the same result for JSON text and for parsed JSON."""
        strict = any(node.get("strict") or (node.get("config") or {}).get("strict") for node in nodes(self._core))
        return not strict and not any(node["type"] in UNLIKE for node in nodes(self._core))

    @cached_property
    def _has_many(self) -> bool:
        return any(node["type"] in MANY for node in nodes(self._core))

    @cached_property
    def _is_plain(self) -> bool:
        """Whether many fields that are not in the contract can never make an object valid."""
        return not any(
            node["type"].startswith("function-") or (node["type"] == "dict" and "min_length" in node)
            for node in nodes(self._core)
        )

    @cached_property
    def _forbids(self) -> bool:
        """Whether all objects reject or ignore fields that are not in the contract."""
        open_ended = {"any", "dict", "function-before", "function-plain"}
        return not any(
            node["type"] in open_ended or node.get("extra_behavior") == "allow" for node in nodes(self._core)
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        """All names of fields, and all parts of aliases, anywhere in the contract."""
        return frozenset(_names_of(self._core))

    def _pruned(self, value: Any) -> Any:
        """Return a value without most of its unknown fields; the value itself if it has few of them."""
        if isinstance(value, dict):
            made = value
            if len(value) > UNKNOWN_FIELDS + len(self._names):
                unknown = [name for name in value if name not in self._names]
                made = {name: value[name] for name in [*(self._names & value.keys()), *unknown[:UNKNOWN_FIELDS]]}
            deep = {name: self._pruned(each) for name, each in made.items() if type(each) in {dict, list}}
            if all(made[name] is each for name, each in deep.items()):
                return made
            return {**made, **deep}
        if not isinstance(value, list) or not {dict, list} & set(map(type, value)):
            return value
        items = [self._pruned(each) for each in value]
        return value if all(made is each for made, each in zip(items, value, strict=True)) else items


def _parts(rows: list[Any], first: int) -> Iterator[tuple[list[Any], int]]:
    """Yield the rows from `first` on in parts, each with its size in bytes as JSON."""
    for start in range(first, len(rows), COUNTED_TOGETHER):
        part = rows[start : start + COUNTED_TOGETHER]
        yield part, len(to_json(part))


class RowError(Exception):
    """An instance violates its contract. is_complete: whether the error has all of its violations."""

    def __init__(self, error: ValidationError, *, is_complete: bool) -> None:
        self.error = error
        self.is_complete = is_complete
        super().__init__()

    def violations(self, instance: int | None) -> list[Violation]:
        """Return the violations, at most as many as an answer lists."""
        found = self.error.errors(include_url=False, include_context=True)
        return [_violation(instance, item) for item in found[:LISTED_VIOLATIONS]]


def place(path: tuple[int | str, ...]) -> str:
    """Return the dotted path into a value, with each part truncated, because callers may send long names."""
    return ".".join(str(part)[:MAX_NAME_LENGTH] for part in path)


def _violation(instance: int | None, item: Any) -> Violation:
    rule, message = item["type"], item["msg"]
    if rule == "model_attributes_type":  # a tagged union's error for a Python value that is not an object
        rule = "dict_type"
    if item["input"] is MISSING:
        rule, message = "missing", "Field required"
    elif rule in JSON_MESSAGES:
        line = {"type": rule, "loc": (), "input": None, "ctx": item.get("ctx", {})}
        as_json = ValidationError.from_exception_data("", [line], "json")  # type: ignore[list-item] # a line from pydantic
        message = as_json.errors(include_url=False)[0]["msg"]
    return Violation(instance, place(item["loc"]), message[:MAX_MESSAGE_LENGTH], rule)


def _names_of(core: Core) -> Iterator[str]:
    for node in nodes(core):
        fields = node.get("fields")
        if isinstance(fields, dict):
            yield from fields
        if isinstance(node.get("name"), str):
            yield node["name"]
        yield from _alias_parts(node.get("validation_alias"))


def _alias_parts(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list | tuple):
        for part in alias:
            yield from _alias_parts(part)
