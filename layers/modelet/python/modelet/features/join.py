"""Join columns of a prediction set to rows by their key."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.batch.table import key_of
from modelet.features.endpoint import OwnEndpoint
from modelet.features.errors import NoFeaturesError
from modelet.features.prediction_set import PredictionSet
from modelet.settings import get_variable
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelet.features.prediction_set import Row

PASSED = "passed."
"""The beginning of the name of a column that the batch copied from its input."""
WHOLE = "prediction"
"""The name of a prediction that is not an object."""
UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}
SENT, ABSENT = "features", "features_missing"
"""The rules of joined fields that a caller sends, and of what the set does not have."""
TABLE = "MODELET_FEATURES_TABLE"
"""The variable with the name of the control table, which has the pointers to prediction sets."""
_MISSING = object()


class Join:
    """What `features:` says, ready to be applied.

    key: the field with the key. fields: the columns of the set, by the fields that they become. rows: reads the rows of
    keys, by default from the function's own tables.
    """

    def __init__(
        self, spec: Mapping[str, Any], rows: Callable[[Sequence[str]], Mapping[str, Row]] | None = None
    ) -> None:
        self.name: str = spec["from"]
        self.key: str = spec["key"]
        self.fields = fields_of(spec["columns"])
        self._refuses = spec["missing"] == "refuse"
        self._max_age_s = seconds(spec["max_age"])
        self._rows = rows

    @cached_property
    def _set(self) -> PredictionSet:
        table = get_variable(TABLE)
        if not table:
            raise NoFeaturesError(
                f"The function does not know where the prediction set {self.name} is: deploy it by infra/, or serve it "
                "by `modelet up`"
            )
        return PredictionSet(self.name, table, OwnEndpoint(), max_age_s=self._max_age_s)

    def faults(self, row: int, instance: dict[str, Any]) -> tuple[str, list[Violation]]:
        """Return the text of a row's key, and what the row has wrong: no usable key, or fields of the set."""
        found = [
            Violation(row, field, f"comes from the prediction set {self.name}: remove it from the row", SENT)
            for field in self.fields
            if field in instance
        ]
        if self.key not in instance:
            return "", [*found, Violation(row, self.key, "Field required: the key of the row's features", "missing")]
        key, reason = key_of(instance[self.key])
        return key, [*found, Violation(row, self.key, reason, "key")] if reason else found

    def join(self, keys: Mapping[int, str], instances: Sequence[Any]) -> dict[int, list[Violation]]:
        """Add the columns to instances; return what is missing, by the place of the instance.

        keys: of those instances that have one, by their places. Raises the errors of PredictionSet.
        """
        if not keys:
            return {}
        rows = (self._rows or self._set.rows)(list(dict.fromkeys(keys.values())))
        missing: dict[int, list[Violation]] = {}
        for place, key in keys.items():
            row, instance = rows.get(key), instances[place]
            if row is None and self._refuses:
                reason = f"The prediction set {self.name} has no row of this key"
                missing[place] = [Violation(place, self.key, reason, ABSENT)]
                continue
            for field, column in self.fields.items():
                value = _MISSING if row is None else _value(row, column)
                if value is _MISSING and self._refuses:
                    reason = f"The prediction set {self.name} has no {column} in the row of this key"
                    missing.setdefault(place, []).append(Violation(place, field, reason, ABSENT))
                instance[field] = None if value is _MISSING else value
        return missing

    def is_of_the_set(self, violation: Violation) -> bool:
        """Return whether a violation is of a value of the set, so that the caller cannot change it."""
        if violation.rule in {SENT, ABSENT}:
            return False
        return violation.field in self.fields or violation.field.partition(".")[0] in self.fields

    def with_origin(self, violation: Violation) -> Violation:
        """Return a violation; if it is of a value of the set, it says so."""
        if not self.is_of_the_set(violation):
            return violation
        return violation._replace(message=f"{violation.message} (the value is from the prediction set {self.name})")


def fields_of(columns: Sequence[str | Mapping[str, str]]) -> dict[str, str]:
    """Return the columns of a set by the fields that they become: themselves, or what a mapping names."""
    fields: dict[str, str] = {}
    for each in columns:
        named = {each: each.removeprefix(PASSED)} if isinstance(each, str) else each
        fields |= {field: column for column, field in named.items()}
    return fields


def seconds(age: str | None) -> float | None:
    """Return an age such as 30m, 12h or 2d in seconds."""
    return int(age[:-1]) * UNITS_S[age[-1]] if age else None


def _value(row: Row, column: str) -> Any:
    if column.startswith(PASSED):
        return row.passed.get(column.removeprefix(PASSED), _MISSING)
    if isinstance(row.prediction, dict):
        return row.prediction.get(column, _MISSING)
    return row.prediction if column == WHOLE else _MISSING
