"""The contract: the types of one instance and one prediction, validated with pydantic-core.

A compiled contract is a core schema, stored as JSON in the bundle. If only pydantic can serve a contract (classes,
Python validators), its core schema is made from the author's types when the function starts. The rest is the same.
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
from modelet.violation import LISTED_VIOLATIONS, MAX_PROBLEMS, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import CoreConfig, CoreSchema

    from modelet.contract.diagnosis import Examiner
    from modelet.contract.pieces import Pieces
    from modelet.contract.schema import Core
    from modelet.violation import Violation

MAX_DUPLICATE_KEYS = 1_000
"""The most duplicate keys in a body that is validated in one pass; with more, its rows are validated one by one."""

VALUE_BYTES = 10
"""The assumed size in bytes of a value in a tensor; it limits how many violations are counted."""

FEW = 64
"""The most plain predictions that Python's own encoder writes.

On its first call, pydantic-core's writer imports thirty modules of the standard library, a tenth of a cold start, for
types that no plain prediction has; but it is eight times faster for many predictions.
"""

KEEP_NAN: CoreConfig = {"ser_json_inf_nan": "constants"}
"""Write NaN as `NaN`, so that it can be found and rejected; pydantic's default writes null."""


class Checked:
    """The valid instances, and the violations of the others.

    instances: the valid ones, in order. failed: the first violations of each bad row, by its index. total: the number
    of rows sent. count: the number of violations that were counted. is_complete: whether all were counted.
    """

    __slots__ = ("count", "failed", "instances", "is_complete", "total")

    def __init__(
        self, instances: list[Any], total: int, failed: dict[int, list[Violation]] | None = None, count: int = 0
    ) -> None:
        self.instances = instances
        self.total = total
        self.failed = failed or {}
        self.count = count
        self.is_complete = True

    def exclude(self, error: ContractError) -> None:
        """Move rows from the valid to the failed ones. error: names the rows by their index among the valid ones.

        Raises the error itself if it names no rows.
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
        """Raise ContractError unless every row is valid."""
        if self.failed:
            listed = [violation for row in self.failed.values() for violation in row]
            raise ContractError(listed, self.count, is_complete=self.is_complete)

    def require_fits(self) -> None:
        """Raise TooLargeError if an answer cannot hold the problems of all bad rows."""
        if len(self.failed) > MAX_PROBLEMS:
            raise TooLargeError(TOO_LARGE)


class Contract:
    """The types of one instance and one prediction.

    is_plain: whether an instance is a scalar or a flat object of scalars whose numbers are all finite. instance,
    prediction: their core schemas.
    """

    def __init__(self, instance: Core, prediction: Core) -> None:
        self.instance = instance
        self._reader = reader_of(instance)
        self.is_plain = is_plain(instance)
        self._is_plain = is_plain(prediction, True)
        self.prediction = prediction
        predictions = around(prediction, list_of)
        self._predictions = validator(predictions)
        if not self._is_plain:
            self._writer = SchemaSerializer(cast("CoreSchema", predictions), KEEP_NAN, _use_prebuilt=False)

    @property
    def field_names(self) -> frozenset[str] | None:
        """The names under which an instance's fields may be sent; None if they are not known."""
        from modelet.contract.names import field_names  # noqa: PLC0415 - only for batches

        return field_names(self.instance)

    @cached_property
    def _examiner(self) -> Examiner:
        from modelet.contract.diagnosis import Examiner  # noqa: PLC0415 - only for bad rows

        return Examiner(self.instance)

    def as_tuples(self, features: Sequence[str], colons: Callable[[bytes], int]) -> Contract:
        """Return the same contract for a model whose author overrides no stage that sees instances.

        If an instance is a flat object of scalars, valid instances are tuples of the features' values. colons: a
        function that counts the colons in a text.
        """
        same = object.__new__(type(self))
        vars(same).update(vars(self))
        same._reader = self._reader.as_tuples(features, colons)
        return same

    def may_be_expensive(self, body: bytes) -> bool:
        """Return whether rejecting a body in one pass might cost more than an answer; then call `is_cheap` first."""
        return self._reader.may_be_expensive(body)

    def is_cheap(self, rows: list[Any], body: bytes) -> bool:
        """Return whether validating a body in one pass costs no more than an answer, even if some row is bad.

        rows: its parsed JSON. Large bad rows and many duplicate keys are expensive.
        """
        colons = 0
        for row in rows:
            text = to_json(row)
            if not self._examiner.is_cheap(row, text):
                return False
            colons += text.count(b":")
        return body.count(b":") <= colons + MAX_DUPLICATE_KEYS

    def check_envelope(self, body: bytes) -> Checked | None:
        """Validate `{"instances": [...]}` in one pass; return None unless all of it is valid."""
        try:
            instances = self._reader.envelope(body)
        except ValidationError:
            return None
        return Checked(instances, len(instances))

    def check_bare(self, body: bytes) -> Checked | None:
        """Validate a bare instance as JSON; return None unless it is valid."""
        try:
            return Checked([self._reader.one(body)], 1)
        except ValidationError:
            return None

    def check_columns(self, columns: Mapping[str, list[Any]], *, partial: bool = False) -> Checked:
        """Validate instances given as columns: for each field, a list of JSON scalars, one per instance.

        partial: as for `check_rows`.
        """
        try:
            instances = self._reader.columns(columns)
        except ValidationError:
            size = VALUE_BYTES * sum(map(len, columns.values()))
            return self.check_rows(as_rows(columns), size=size, partial=partial)
        return Checked(instances, len(instances))

    def check_one(self, body: bytes) -> Checked:
        """Validate a bare instance as JSON. Raises MalformedBodyError if it is not JSON."""
        try:
            return self.check_rows([from_json(body)])
        except ValueError as error:
            raise MalformedBodyError(f"Invalid JSON: {error}") from None

    def check_rows(self, rows: list[Any] | Pieces, *, size: int | None = None, partial: bool = True) -> Checked:
        """Validate rows one by one, so that each bad one is named.

        rows: parsed JSON, in which a duplicate key has its last value. The first hundred violations are kept. size: the
        bytes that the rows came in, which limit how many violations are counted. partial: report every bad row, up to
        the number that an answer can hold; otherwise only the first ones.
        """
        from modelet.contract.diagnosis import BYTES_EACH, RowError  # noqa: PLC0415 - only for bad rows

        checked = Checked([], len(rows))
        most = max(LISTED_VIOLATIONS, size // BYTES_EACH) if size is not None else None
        for index, row in enumerate(rows):
            if not partial and checked.count >= LISTED_VIOLATIONS:
                count, is_complete = self._examiner.count(rows, index, most and most - checked.count)
                checked.count += count
                checked.is_complete = checked.is_complete and is_complete
                break
            if len(checked.failed) > MAX_PROBLEMS:
                break
            if checked.count >= LISTED_VIOLATIONS and self._examiner.is_surely_bad(row):
                checked.failed[index] = []
                checked.count, checked.is_complete = checked.count + 1, False
                continue
            try:
                instance = self._examiner.examine(row)
                if partial or not checked.failed:
                    checked.instances.append(instance)
            except RowError as bad:
                is_listed = checked.count < LISTED_VIOLATIONS
                checked.failed[index] = bad.violations(index) if is_listed else []
                checked.count += bad.error.error_count()
                checked.is_complete = checked.is_complete and bad.is_complete
        return checked

    def check_predictions(self, predictions: Any, expected: int) -> list[Any]:
        """Validate what a model returned: one prediction per instance.

        predictions: a list, a tuple, or an array. Returns plain Python values (numpy's numbers become Python's). Raises
        PredictionError with the row.
        """
        values = predictions.tolist() if hasattr(predictions, "tolist") else predictions
        if not isinstance(values, list | tuple):
            raise PredictionError(f"postprocess returned a {type(predictions).__name__}: return a list of predictions")
        if len(values) != expected:
            raise PredictionError(
                f"postprocess returned {len(values)} predictions for {expected} instances: return one per instance"
            )
        try:
            return cast("list[Any]", self._predictions.validate_python(list(values)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise PredictionError(f"prediction {where} violates the contract: {first['msg']}") from None

    def write_predictions(self, predictions: list[Any]) -> bytes:
        """Write checked predictions as a JSON array.

        Raises PredictionError with the row if a number is NaN or infinite, or a value has no JSON form.
        """
        text = self._write(predictions)
        if not self._is_plain and (b"NaN" in text or b"Infinity" in text) and not _is_json(text):
            row = next(row for row, one in enumerate(predictions) if not _is_json(self._write([one])))
            raise PredictionError(
                f"prediction {row} contains NaN or infinity, which JSON does not have: return a finite number or None"
            )
        return text

    def plain_predictions(self, predictions: list[Any]) -> list[Any]:
        """Return checked predictions as JSON values. Raises the errors of `write_predictions`."""
        if self._is_plain:
            return predictions
        return cast("list[Any]", from_json(self.write_predictions(predictions)))

    def _write(self, predictions: list[Any]) -> bytes:
        try:
            if not self._is_plain:
                return self._writer.to_json(predictions, by_alias=True)
            return compact(predictions).encode() if len(predictions) <= FEW else to_json(predictions)
        except ValueError as error:  # pydantic-core's own, and those for texts and integers without a JSON form
            raise PredictionError(f"a prediction cannot be written as JSON: {error}") from None


def _is_json(text: bytes) -> bool:
    """Return whether a text that pydantic-core wrote is strict JSON, without NaN."""
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return True
