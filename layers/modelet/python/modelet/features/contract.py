"""The contract of a model with `features:` or `id:`: what a caller sends, made into the model's own instances."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from modelet.contract.contract import FEW, VALUE_BYTES, Checked, Contract
from modelet.contract.ids import Identified, RowIds, fault, identified, with_id
from modelet.contract.names import field_names
from modelet.contract.readers import as_rows
from modelet.contract.schema import compact, to_json
from modelet.errors import PredictionError
from modelet.features.errors import FeaturesError
from modelet.violation import LISTED_VIOLATIONS, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.pieces import Pieces
    from modelet.errors import ContractError
    from modelet.features.join import Join


class Joined(Checked):
    """Checked instances with the columns of the prediction set.

    join: what was joined; None if there are only ids. ids: of all rows; None if they have none. seconds: that the join
    took.
    """

    __slots__ = ("ids", "join", "seconds")

    def __init__(self, checked: Checked, join: Join | None, ids: RowIds | None, seconds: float) -> None:
        super().__init__(checked.instances, checked.total, checked.failed, checked.count)
        self.is_complete = checked.is_complete
        self.join = join
        self.ids = ids
        self.seconds = seconds

    def exclude(self, error: ContractError) -> None:
        """Move rows to the failed ones; a violation of a joined field says where the value is from."""
        if self.join is not None:
            error.violations = [self.join.with_origin(each) for each in error.violations]
        super().exclude(error)

    def require_all(self) -> None:
        """Raise ContractError unless every row is valid; FeaturesError if the caller cannot change what is wrong."""
        join, found = self.join, [violation for row in self.failed.values() for violation in row]
        if join is not None and found and all(map(join.is_of_the_set, found)):
            raise FeaturesError(f"The prediction set {join.name} does not fit the model: {found[0]}")
        super().require_all()


class JoinedContract(Contract):
    """A contract around the model's own one.

    id: the field with a row's own id, which is taken off an instance and put into its prediction; None for none.
    """

    def __init__(self, own: Contract, join: Join | None, id_field: str | None) -> None:
        vars(self).update(vars(own))
        self._own = own
        self._join = join
        self._id = id_field
        names = field_names(own.instance) or frozenset()
        sent = {id_field, join.key if join else None}
        self._drops = frozenset(name for name in sent if name is not None) - names
        if id_field is not None:
            self.prediction = with_id(id_field, own.prediction)

    @property
    def field_names(self) -> frozenset[str] | None:
        """The names of the fields that a batch hands on: the joined ones too, so that they are refused."""
        return (field_names(self._own.instance) or frozenset()) | self._drops

    def may_be_expensive(self, body: bytes) -> bool:  # noqa: ARG002 - the contract's interface
        """Return False: rows are always parsed first."""
        return False

    def check_envelope(self, body: bytes) -> Checked | None:  # noqa: ARG002 - the contract's interface
        """Return None: rows must be joined before they can be valid."""
        return None

    def check_bare(self, body: bytes) -> Checked | None:  # noqa: ARG002 - the contract's interface
        """Return None: rows must be joined before they can be valid."""
        return None

    def check_columns(self, columns: Mapping[str, list[Any]], *, partial: bool = False) -> Checked:
        """Validate instances given as columns. partial: as for `check_rows`; without it they are tensors.

        Tensors have no ids: the Open Inference Protocol has one for the request.
        """
        size = None if partial else VALUE_BYTES * sum(map(len, columns.values()))
        return self._check(as_rows(columns), size, partial, self._id if partial else None)

    def check_rows(self, rows: list[Any] | Pieces, *, size: int | None = None, partial: bool = True) -> Checked:
        """Validate rows after the join. A row without an id, a key or features is bad, like one of wrong types.

        Without partial, what is wrong before the join is reported before anything is read. Raises the errors of
        PredictionSet.
        """
        return self._check(self._listed(rows), size, partial, self._id)

    def _listed(self, rows: list[Any] | Pieces) -> list[Any]:
        """Return all rows; of a body with very many lists, without those that no valid row can have."""
        if isinstance(rows, list):
            return rows
        return [_shallow(row) for row in rows] if self._own.is_plain else list(rows)

    def _check(self, rows: list[Any], size: int | None, partial: bool, id_field: str | None) -> Checked:
        ids = RowIds(id_field, [_id(row, id_field) for row in rows]) if id_field is not None else None
        instances, keys, failed = self._taken(rows, id_field)
        if failed and not partial:
            return self._refused(failed, len(rows), ids)
        began = perf_counter()
        if self._join is not None:
            failed |= self._join.join(keys, instances)
        seconds = perf_counter() - began
        if failed and not partial:
            return self._refused(failed, len(rows), ids)
        places = [place for place in range(len(rows)) if place not in failed]
        checked = self._validated([instances[place] for place in places] if failed else instances, size, partial)
        if not failed and not checked.failed:
            return Joined(checked, self._join, ids, seconds)
        joined = Joined(Checked([], len(rows)), self._join, ids, seconds)
        return self._merged(checked, places, failed, joined, size)

    def _taken(
        self, rows: list[Any], id_field: str | None
    ) -> tuple[list[Any], dict[int, str], dict[int, list[Violation]]]:
        """Return copies without what is not in the model's own contract, the keys, and the violations, by place."""
        instances, keys, failed = list(rows), dict[int, str](), dict[int, list[Violation]]()
        for place, row in enumerate(rows):
            if type(row) is not dict:
                continue  # the contract names it
            bad = fault(place, id_field, row) if id_field is not None else None
            found = [bad] if bad else []
            if self._join is not None:
                keys[place], faults = self._join.faults(place, row)
                found += faults
            if found:
                failed[place] = found
                keys.pop(place, None)
            instances[place] = {name: value for name, value in row.items() if name not in self._drops}
        return instances, keys, failed

    def _validated(self, rows: list[Any], size: int | None, partial: bool) -> Checked:
        """Validate complete instances; columns are fastest if all have the same fields."""
        first = rows[0] if rows else None
        if type(first) is dict and all(type(row) is dict and row.keys() == first.keys() for row in rows):
            columns = {name: [row[name] for row in rows] for name in first}
            return self._own.check_columns(columns, partial=partial) if columns else self._own.check_rows(rows)
        return self._own.check_rows(rows, size=size, partial=partial)

    def _refused(self, failed: dict[int, list[Violation]], total: int, ids: RowIds | None) -> Joined:
        """Return what was found before rows are validated: there may be more."""
        checked = Checked([], total, failed, sum(map(len, failed.values())))
        checked.is_complete = len(failed) == total
        return Joined(checked, self._join, ids, 0.0)

    def _merged(
        self,
        checked: Checked,
        places: list[int],
        failed: dict[int, list[Violation]],
        joined: Joined,
        size: int | None,
    ) -> Joined:
        """Return the rows that failed before the contract and under it, by their places in the request.

        size: None lists the violations of all rows that failed before it: a batch reports each one.
        """
        joined.instances = checked.instances
        joined.count = checked.count + sum(map(len, failed.values()))
        joined.is_complete = checked.is_complete
        for index, violations in checked.failed.items():
            moved = [violation._replace(instance=places[index]) for violation in violations]
            failed[places[index]] = [self._join.with_origin(each) for each in moved] if self._join else moved
        listed = 0
        for place in sorted(failed):
            joined.failed[place] = failed[place] if size is None or listed < LISTED_VIOLATIONS else []
            listed += len(failed[place])
        return joined

    def plain_predictions(self, predictions: list[Any]) -> list[Any]:
        """Return checked predictions as JSON values, with their ids. Raises the errors of `write_predictions`."""
        if not predictions or type(predictions[0]) is not Identified:
            return self._own.plain_predictions(predictions)
        plain = self._own.plain_predictions([each.prediction for each in predictions])
        field = cast("str", self._id)
        return [identified(field, each.id, value) for each, value in zip(predictions, plain, strict=True)]

    def write_predictions(self, predictions: list[Any]) -> bytes:
        """Write checked predictions as a JSON array, with their ids."""
        if not predictions or type(predictions[0]) is not Identified:
            return self._own.write_predictions(predictions)
        rows = self.plain_predictions(predictions)
        try:
            return compact(rows).encode() if len(rows) <= FEW else to_json(rows)
        except ValueError as error:  # texts and integers without a JSON form
            raise PredictionError(f"a prediction cannot be written as JSON: {error}") from None


def _shallow(row: Any) -> Any:
    """Return a row in which lists and objects are empty: they are as wrong, and take no memory."""
    if type(row) is not dict:
        return None
    return {name: [] if type(value) in {list, dict} else value for name, value in row.items()}


def _id(row: Any, field: str) -> Any:
    """Return a row's id; None if it has none that can be one."""
    found = row.get(field) if type(row) is dict else None
    return found if type(found) in {str, int} else None
