"""Write rows to the result file and to the table's writer, so that a row that one of them refuses is in neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.batch.outputs.results import ResultFile
    from modelet.batch.outputs.row import Rejected, Row
    from modelet.batch.outputs.table_writer import TableWriter


class Outputs:
    """The outputs of one chunk. results, table: its writers; None for one that the batch does not have."""

    def __init__(self, results: ResultFile | None, table: TableWriter | None) -> None:
        self._results = results
        self._table = table

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Write rows, and return those that an output refuses. Raises as the table's writer does.

        No output takes a row back. So the table's writer encodes the rows first, the result file gets those that can be
        items, and the table gets those that the result file has.
        """
        if self._table is None:
            return self._results.write(rows) if self._results else []
        if self._results is None:
            return self._table.write(rows)
        refused: list[Rejected] = []
        encoded = list(self._table.encode(rows, refused))
        unfit = self._results.write([row for row, _item in encoded])
        if unfit:
            lost = {each.number for each in unfit}
            encoded = [each for each in encoded if each[0].number not in lost]
        self._table.write_encoded(encoded)
        return refused + unfit
