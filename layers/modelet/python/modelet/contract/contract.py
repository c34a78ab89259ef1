"""The contract: the types of one instance and one prediction, checked by pydantic-core alone.

A compiled contract is a core schema kept as JSON in the bundle. A contract that only pydantic itself can serve
(classes, Python validators) takes its core schema from the author's types when the function starts; from there on both
are the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from modelet.contract.flat import is_plain
from modelet.contract.readers import as_rows, list_of, reader_of, validator
from modelet.contract.schema import (
    SchemaSerializer,
    ValidationError,
    around,
    compact,
    from_json,
    to_json,
)
from modelet.errors import ContractError, MalformedBodyError, PredictionError, TooLargeError
from modelet.violation import LISTED_VIOLATIONS, MOST_PROBLEMS, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import CoreConfig, CoreSchema

    from modelet.contract.diagnosis import Examiner
    from modelet.contract.pieces import Pieces
    from modelet.contract.schema import Core
    from modelet.violation import Violation

WRITTEN_TWICE = 1_000
"""Keys of a body that may be written twice before it is read from what they come to."""

VALUE_BYTES = 10
"""Bytes that a value of a tensor is taken to have come in, which bounds how many violations are counted."""

FEW = 64
"""Plain predictions that Python's own encoder writes.

The first text that pydantic-core writes imports thirty modules of the standard library, a tenth of a cold start, for
types that no plain prediction has; many it writes eight times faster.
"""

NAN_AS_ITSELF: CoreConfig = {"ser_json_inf_nan": "constants"}
"""NaN is written as the word NaN, so that it can be seen and refused; pydantic's default hides it as null."""


class Checked:
    """Instances that keep the contract, and what was wrong with the others.

    instances: the good ones, in order. failed: the first violations of each bad row, by its index. total: rows sent.
    count: the violations that were counted. is_whole: whether these are all.
    """

    __slots__ = ("count", "failed", "instances", "is_whole", "total")

    def __init__(
        self, instances: list[Any], total: int, failed: dict[int, list[Violation]] | None = None, count: int = 0
    ) -> None:
        self.instances = instances
        self.total = total
        self.failed = failed or {}
        self.count = count
        self.is_whole = True

    def leave_out(self, error: ContractError) -> None:
        """Take bad rows out of the good ones. error: it names them by their place among the good ones.

        Raises the error itself where it names none.
        """
        places = [row for row in range(self.total) if row not in self.failed]
        bad = error.rows
        is_placed = all(0 <= place < len(places) for place in bad)
        if not bad or not is_placed or any(violation.instance is None for violation in error.violations):
            raise error
        for violation in error.violations:
            row = places[violation.instance or 0]
            self.failed.setdefault(row, []).append(violation._replace(instance=row))
        for place in bad:
            self.failed.setdefault(places[place], [])
        self.instances = [instance for place, instance in enumerate(self.instances) if place not in bad]
        self.count += error.count

    def require_all(self) -> None:
        """Raise ContractError unless every row is good."""
        if self.failed:
            listed = [violation for row in self.failed.values() for violation in row]
            raise ContractError(listed, self.count, is_whole=self.is_whole)

    def require_room(self) -> None:
        """Raise TooLargeError where the problems of bad rows alone are more than an answer may hold."""
        if len(self.failed) > MOST_PROBLEMS:
            raise TooLargeError(TOO_LARGE)


class Contract:
    """The types of one instance and one prediction.

    is_plain: an instance is a scalar or a flat object of scalars, all of whose numbers are finite.
    """

    def __init__(self, instance: Core, prediction: Core) -> None:
        self._instance = instance
        self._reader = reader_of(instance)
        self.is_plain = is_plain(instance)
        self._is_plain = is_plain(prediction)
        self._prediction = prediction
        predictions = around(prediction, list_of)
        self._predictions = validator(predictions)
        if not self._is_plain:
            self._writer = SchemaSerializer(cast("CoreSchema", predictions), NAN_AS_ITSELF, _use_prebuilt=False)

    @cached_property
    def _examiner(self) -> Examiner:
        from modelet.contract.diagnosis import Examiner  # noqa: PLC0415 - who is never sent a bad row has no use for it

        return Examiner(self._instance)

    def as_tuples(self, features: Sequence[str], colons: Callable[[bytes], int]) -> Contract:
        """The same contract for a model of which no author has changed what sees instances and makes predictions.

        Where it is an object of scalars, good instances are then tuples of the features' values. colons: counts those
        of a text.
        """
        same = object.__new__(type(self))
        vars(same).update(vars(self))
        same._reader = self._reader.as_tuples(features, colons)
        return same

    def is_doubtful(self, body: bytes) -> bool:
        """Whether to refuse a body in one pass might cost more than to answer it: then ask `are_good` first."""
        return self._reader.is_doubtful(body)

    def are_good(self, rows: list[Any], body: bytes) -> bool:
        """Whether reading a body at once costs no more than an answer, even if some row is bad.

        rows: its parsed JSON. A row that is both large and bad would be dear, and so would many keys written twice.
        """
        colons = 0
        for row in rows:
            text = to_json(row)
            if not self._examiner.is_good(row, text):
                return False
            colons += text.count(b":")
        return body.count(b":") <= colons + WRITTEN_TWICE

    def check_envelope(self, body: bytes) -> Checked | None:
        """Check `{"instances": [...]}` in one pass; None unless it is right in every part."""
        try:
            instances = self._reader.envelope(body)
        except ValidationError:
            return None
        return Checked(instances, len(instances))

    def check_bare(self, body: bytes) -> Checked | None:
        """Check a bare instance as JSON; None unless it is right."""
        try:
            return Checked([self._reader.one(body)], 1)
        except ValidationError:
            return None

    def check_columns(self, columns: Mapping[str, list[Any]]) -> Checked:
        """Check instances whose fields came as lists of JSON scalars, one value an instance."""
        try:
            instances = self._reader.columns(columns)
        except ValidationError:
            size = VALUE_BYTES * sum(map(len, columns.values()))
            return self.check_rows(as_rows(columns), size=size, partial=False)
        return Checked(instances, len(instances))

    def check_one(self, body: bytes) -> Checked:
        """Check a bare instance as JSON. Raises MalformedBodyError for what is not JSON."""
        try:
            return self.check_rows([from_json(body)])
        except ValueError as error:
            raise MalformedBodyError(f"Invalid JSON: {error}") from None

    def check_rows(self, rows: list[Any] | Pieces, *, size: int | None = None, partial: bool = True) -> Checked:
        """Check rows one by one, so that each bad one is named.

        rows: parsed JSON, in which a key that was written twice has its last value. Of all violations the first hundred
        are kept. size: bytes that the rows came in; no more violations are counted than so many bytes are worth.
        partial: every bad row has its place, until there are more than an answer has room for; else only the first
        ones do.
        """
        from modelet.contract.diagnosis import BYTES_EACH, RefusalError  # noqa: PLC0415 - as above

        checked = Checked([], len(rows))
        most = max(LISTED_VIOLATIONS, size // BYTES_EACH) if size is not None else None
        for index, row in enumerate(rows):
            if not partial and checked.count >= LISTED_VIOLATIONS:
                count, is_whole = self._examiner.count(rows, index, most and most - checked.count)
                checked.count += count
                checked.is_whole = checked.is_whole and is_whole
                break
            if len(checked.failed) > MOST_PROBLEMS:
                break
            if checked.count >= LISTED_VIOLATIONS and self._examiner.is_surely_bad(row):
                checked.failed[index] = []
                checked.count, checked.is_whole = checked.count + 1, False
                continue
            try:
                instance = self._examiner.examine(row)
                if partial or not checked.failed:
                    checked.instances.append(instance)
            except RefusalError as refusal:
                room = checked.count < LISTED_VIOLATIONS
                checked.failed[index] = refusal.violations(index) if room else []
                checked.count += refusal.error.error_count()
                checked.is_whole = checked.is_whole and refusal.is_whole
        return checked

    def check_predictions(self, predictions: Any, expected: int) -> list[Any]:
        """Check what a model returned, one prediction an instance.

        predictions: a list, a tuple, or an array. Returns plain Python values (numpy's numbers become Python's). Raises
        PredictionError naming the row.
        """
        values = predictions.tolist() if hasattr(predictions, "tolist") else predictions
        if not isinstance(values, list | tuple):
            raise PredictionError(f"postprocess returned a {type(predictions).__name__}: return a list of predictions")
        if len(values) != expected:
            raise PredictionError(
                f"postprocess returned {len(values)} predictions for {expected} instances: return one each"
            )
        try:
            return cast("list[Any]", self._predictions.validate_python(list(values)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise PredictionError(f"prediction {where} breaks the contract: {first['msg']}") from None

    def write_predictions(self, predictions: list[Any]) -> bytes:
        """Write checked predictions as a JSON array.

        Raises PredictionError, naming the row, where a number is NaN or infinite or a value is none of JSON's.
        """
        text = self._write(predictions)
        if not self._is_plain and (b"NaN" in text or b"Infinity" in text) and not _is_json(text):
            row = next(row for row, one in enumerate(predictions) if not _is_json(self._write([one])))
            raise PredictionError(
                f"prediction {row} holds NaN or infinity, which JSON cannot say: return a finite number or None"
            )
        return text

    def plain_predictions(self, predictions: list[Any]) -> list[Any]:
        """Checked predictions as JSON values. Raises PredictionError as `write_predictions` does."""
        if self._is_plain:
            return predictions
        return cast("list[Any]", from_json(self.write_predictions(predictions)))

    def _write(self, predictions: list[Any]) -> bytes:
        try:
            if not self._is_plain:
                return self._writer.to_json(predictions, by_alias=True)
            return compact(predictions).encode() if len(predictions) <= FEW else to_json(predictions)
        except ValueError as error:  # pydantic-core's own, and those for texts and integers that JSON cannot hold
            raise PredictionError(f"a prediction cannot be written as JSON: {error}") from None


def _is_json(text: bytes) -> bool:
    """Whether a text that pydantic-core wrote is JSON to the letter, which knows no NaN."""
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return True
