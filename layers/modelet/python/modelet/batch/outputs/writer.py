"""The writer of `load: write`: BatchWriteItem from several threads, which loses no row and keeps the last of a key."""

from __future__ import annotations

import http.client
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import orjson

from modelet.aws import error_name
from modelet.batch.connection import SignedConnection, error_message, may_pass
from modelet.batch.outputs.table_writer import TableWriter
from modelet.batch.signed import Endpoint
from modelet.batch.table import PREDICTIONS
from modelet.errors import ModeletError, RequestError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from modelet.batch.outputs.row import Encoded


MOST_ITEMS = 25
"""DynamoDB's limit of items in a request."""
MOST_BYTES = 16 * 10**6
"""DynamoDB's limit of a request is 16 MB."""

ATTEMPTS = 20
"""Requests in a row of which none writes an item of a batch: about 40 seconds, then the chunk is better retried."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.05, 5.0
TIMEOUT_S = 10.0

EXPIRED = {"ExpiredToken", "ExpiredTokenException"}
REMEDIES = {
    "AccessDeniedException": "give the worker's role the right dynamodb:BatchWriteItem on it",
    "ResourceNotFoundException": "there is no such table in this account and region: deploy the stack",
}


class SignedWriter(TableWriter):
    """Writes the rows of one chunk with BatchWriteItem.

    client: a boto3 client of DynamoDB, whose endpoint, region and credentials are used. expires_at: Unix seconds.
    threads: requests under way at one time; twice as many batches are in memory. deadline: the time.monotonic() after
    which there is no further attempt. attempts: requests in a row of which none writes an item of a batch. timeout:
    seconds for each read of an answer. retried: the number of requests that were sent again.

    Rows of one key are written in their order, so that the last one stays. Raises ServingError if the client has no
    credentials.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        generation: str,
        *,
        expires_at: int | None = None,
        source: str = "batch",
        threads: int = 8,
        deadline: float | None = None,
        attempts: int = ATTEMPTS,
        timeout: float = TIMEOUT_S,
    ) -> None:
        super().__init__(generation, expires_at=expires_at, source=source)
        self.retried = 0
        self._table, self._deadline = table, deadline
        self._attempts, self._timeout = attempts, timeout
        self._endpoint = Endpoint(client)
        self._start = b'{"RequestItems":{' + orjson.dumps(table) + b":["
        self._batch: dict[str, bytes] = {}
        self._size = 0
        self._written = self._replaced = 0
        self._under_way: set[str] = set()
        self._settled = threading.Condition()
        self._room = threading.BoundedSemaphore(2 * threads)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._connections: list[SignedConnection] = []
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(threads, "write")

    def write_encoded(self, encoded: Iterable[Encoded]) -> None:
        """Take rows with their items; it waits while many are under way.

        Raises StoreError if DynamoDB does not take earlier rows, RequestError if it refuses them.
        """
        add = self._add
        for row, item in encoded:
            add(row.key, b'{"PutRequest":{"Item":' + item + b"}}")
        self._raise()

    def close(self) -> None:
        """Return when DynamoDB has every row. Raises StoreError or RequestError if it has not."""
        try:
            self._send()
        finally:
            self._end(wait=True)
        self._raise()
        if (written := self._written + self._replaced) != self.rows:
            raise StoreError(f"{written} of {self.rows} rows were written to the table {self._table}")

    def abandon(self) -> None:
        """Stop at once: rows that are not written yet are dropped. For a chunk that failed."""
        self._stop.set()
        self._end(wait=False)

    def _end(self, *, wait: bool) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=not wait)
        for connection in self._connections:
            connection.close()

    def _add(self, key: str, put: bytes) -> None:
        self.rows += 1
        if key in self._batch:  # DynamoDB refuses a key twice in one request
            self._replaced += 1
            self._size -= len(self._batch.pop(key)) + 1
        if len(self._batch) == MOST_ITEMS or self._size + len(put) > MOST_BYTES - len(self._start) - 3:
            self._send()
        if key in self._under_way:  # an earlier row of this key must not arrive after this one
            with self._settled:
                self._settled.wait_for(lambda: key not in self._under_way or self._error is not None)
        self._batch[key] = put
        self._size += len(put) + 1

    def _send(self) -> None:
        if not self._batch:
            return
        self._room.acquire()
        if self._error is not None:
            self._room.release()
            self._raise()
        batch, self._batch, self._size = self._batch, {}, 0
        with self._settled:
            self._under_way.update(batch)
        self._pool.submit(self._deliver, batch).add_done_callback(lambda future: self._settle(batch, future))

    def _settle(self, batch: dict[str, bytes], future: Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        with self._settled:
            if error is None:
                self._written += 0 if future.cancelled() else len(batch)
            elif self._error is None:
                self._error = error
                self._stop.set()
            self._under_way.difference_update(batch)
            self._settled.notify_all()
        self._room.release()

    def _raise(self) -> None:
        if isinstance(self._error, ModeletError):
            raise self._error
        if self._error is not None:
            raise StoreError(f"the table {self._table} was not written: {self._error!r}") from self._error

    def _deliver(self, batch: dict[str, bytes]) -> None:
        """Send a batch until DynamoDB has all of it."""
        attempt = 0
        while True:
            left, why = self._attempt(batch)
            if not left:
                return
            attempt = 1 if len(left) < len(batch) else attempt + 1
            batch = left
            delay = random.uniform(0, min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**attempt))  # noqa: S311 - full jitter
            is_late = self._deadline is not None and time.monotonic() + delay >= self._deadline
            if attempt >= self._attempts or is_late:
                limit = "before the deadline" if is_late else f"in {attempt} attempts"
                raise StoreError(f"DynamoDB did not take {len(batch)} rows of the table {self._table} {limit}: {why}")
            if self._stop.wait(delay):
                raise StoreError(f"writing to the table {self._table} was stopped")
            self.retried += 1

    def _attempt(self, batch: dict[str, bytes]) -> tuple[dict[str, bytes], str]:
        """Send a batch once, and return what is left of it and why. Raises RequestError if it is refused."""
        body = self._start + b",".join(batch.values()) + b"]}}"
        try:
            status, answer = self._connection().post("BatchWriteItem", body)
        except (OSError, http.client.HTTPException) as error:
            return batch, str(error) or type(error).__name__
        if status == 200:
            return self._left(batch, answer)
        name = error_name(answer)
        if may_pass(status, name):
            return batch, f"status {status}, {name}"
        if name in EXPIRED:  # another environment has newer ones
            raise StoreError(f"the AWS credentials have expired while the table {self._table} was written")
        remedy = REMEDIES.get(name) or error_message(answer) or f"status {status}"
        raise RequestError(f"DynamoDB refuses to write to the table {self._table} ({name}): {remedy}")

    @staticmethod
    def _left(batch: dict[str, bytes], answer: bytes) -> tuple[dict[str, bytes], str]:
        try:
            tables = orjson.loads(answer)["UnprocessedItems"]
            keys = [put["PutRequest"]["Item"][PREDICTIONS.partition]["S"] for puts in tables.values() for put in puts]
            return {key: batch[key] for key in keys}, "items were left unprocessed"
        except (ValueError, KeyError, TypeError, AttributeError):  # no answer of DynamoDB: the items may be written
            return batch, "an answer that is not DynamoDB's"

    def _connection(self) -> SignedConnection:
        found: SignedConnection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = SignedConnection(self._endpoint, self._timeout)
            self._connections.append(found)
        return found
