"""Workers that end chunks at the same time lose no count: the transaction is tried again."""

from __future__ import annotations

import threading

from modelet.batch.request import BatchRequest
from support.batches import Stage
from support.services import service

from .test_worker import Doubling


def test_workers_that_end_chunks_together_lose_no_count(place: str) -> None:
    batches = Stage.create(service(Doubling), place).worker.batches
    request = BatchRequest((f"{place}/a.csv",), "id")
    created = batches.create("tiny", "b1", version="3", function="arn", request=request, tolerated=1, load="write")
    record = batches.plan_done(created, 1, 20, None, "write")
    assert record is not None

    def work(first: int) -> None:
        for number in range(first, first + 10):
            batches.chunk_done(record, number, 1, rows=1, failed=0, seconds=0.1)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 5, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = batches.get("tiny", "b1")
    assert batches.done_numbers(found) == set(range(20))
    assert (found.chunks_done, found.rows_done) == (20, 20)
