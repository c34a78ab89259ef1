"""A prediction set, read by key: the rows of one generation, by signed requests over one connection."""

from __future__ import annotations

import http.client
import json
import random
import time
from _signal import ITIMER_REAL, getitimer  # type: ignore[import-not-found]  # as in modelet.deadline
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.aws import error_name
from modelet.batch.attributes import from_item, to_item
from modelet.batch.connection import SignedConnection, error_message, may_pass
from modelet.batch.table import EXPIRES, PREDICTIONS, active_key, utc
from modelet.contract.schema import from_json
from modelet.errors import ServingError, StoreError, TooLargeError
from modelet.features.errors import NoFeaturesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from modelet.batch.attributes import Item
    from modelet.batch.connection import Signs

FRESH_S = 2.0
"""Seconds for which a pointer that was read is taken as the current one, as in a look-up."""
SETTLING_S = 60.0
"""Seconds after a switch in which reads are consistent: rows that were written just before must be found."""
MOST_KEYS = 100
"""DynamoDB's limit of keys in one BatchGetItem."""
MOST_DISTINCT = 10_000
"""The most distinct keys of one request: each hundred takes one call after the other."""
MOST_ATTEMPTS = 5
TIMEOUT_S = 2.0
"""Seconds for connecting, and for each read of an answer, before the next attempt."""
WINDOW_S = 4.0
"""Seconds after which a call is not tried again."""
SHARE = 0.8
"""The share of the time left that one call may take, so that the answer is a 503 and not a 504."""
FIRST_PAUSE_S = 0.025
MOST_SWITCHES = 3
"""How often one read begins again because its table was deleted."""


class Row(NamedTuple):
    """A row of the set. prediction: a JSON value. passed: the columns that the batch copied."""

    prediction: Any
    passed: dict[str, Any]


class Pointer(NamedTuple):
    """The active generation. generation: the id of its batch. since: when it became active. until: its expiry."""

    generation: str
    table: str
    since: float
    until: float | None

    @property
    def made(self) -> float:
        """When its batch began, in Unix seconds: a rollback makes an old generation active, not a new one."""
        try:
            began = datetime.strptime(self.generation.partition("Z")[0][:15], "%Y%m%dT%H%M%S")
        except ValueError:
            return self.since
        return began.replace(tzinfo=UTC).timestamp()


class _MissingTableError(ServingError):
    """The table does not exist."""


class PredictionSet:
    """Reads the active generation of one model's predictions.

    name: the model's. control_table: has the pointer to the active generation. endpoint: DynamoDB's. max_age_s: the
    age in seconds from which a generation is too old; None for no limit. clock: Unix seconds.
    """

    def __init__(
        self,
        name: str,
        control_table: str,
        endpoint: Signs,
        *,
        max_age_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._control_table = control_table
        self._connection = SignedConnection(endpoint, TIMEOUT_S)
        self._max_age_s = max_age_s
        self._clock = clock
        self._read: tuple[float, Pointer | None] | None = None

    def rows(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the rows of those keys that have one, all of one generation; expired rows are absent.

        Raises TooLargeError for too many keys, NoFeaturesError if there is no generation that can be used, StoreError
        if DynamoDB does not answer in time, ServingError if it refuses a call.
        """
        wanted = list(dict.fromkeys(keys))
        if len(wanted) > MOST_DISTINCT:
            raise TooLargeError(
                f"The request has {len(wanted)} distinct keys, and at most {MOST_DISTINCT} are looked up for one "
                "request: send fewer instances, or a batch"
            )
        if not wanted:
            return {}
        for _ in range(MOST_SWITCHES):
            pointer = self._usable()
            try:
                return self._rows(pointer, wanted)
            except _MissingTableError:
                # A generation's table is deleted some time after a switch, which the pointer read before may miss.
                self._read = None
                if self._pointer() == pointer:
                    raise
        raise StoreError(f"the active generation of {self.name} changed {MOST_SWITCHES} times during one read")

    def _usable(self) -> Pointer:
        pointer, now = self._pointer(), self._clock()
        remedy = f"run a batch of {self.name}"
        if pointer is None:
            raise NoFeaturesError(f"The prediction set {self.name} has no predictions yet: {remedy}")
        if pointer.until is not None and pointer.until <= now:
            raise NoFeaturesError(f"The prediction set {self.name} expired at {utc(pointer.until)}: {remedy}")
        if self._max_age_s is not None and now - pointer.made > self._max_age_s:
            raise NoFeaturesError(
                f"The prediction set {self.name} is of {utc(pointer.made)}, older than `max_age` allows: {remedy}"
            )
        return pointer

    def _pointer(self) -> Pointer | None:
        now = time.monotonic()
        if self._read is None or not 0 <= now - self._read[0] < FRESH_S:
            found = self._get(self._control_table, active_key(self.name), consistent=True)
            pointer = None
            if found:
                pointer = Pointer(found["generation"], found["table"], float(found["since"]), found.get("until"))
            self._read = (now, pointer)
        return self._read[1]

    def _rows(self, pointer: Pointer, wanted: list[str]) -> dict[str, Row]:
        now = self._clock()
        consistent = now - pointer.since < SETTLING_S
        keys = [{PREDICTIONS.partition: key, PREDICTIONS.sort: pointer.generation} for key in wanted]
        if len(keys) == 1:
            item = self._get(pointer.table, keys[0], consistent=consistent)
            items = [item] if item else []
        else:
            items = []
            for start in range(0, len(keys), MOST_KEYS):
                items += self._get_many(pointer.table, keys[start : start + MOST_KEYS], consistent=consistent)
        return {each[PREDICTIONS.partition]: _row(each) for each in items if each.get(EXPIRES, now + 1) > now}

    def _get(self, table: str, key: dict[str, str], *, consistent: bool) -> Item | None:
        request = {"TableName": table, "Key": to_item(key), "ConsistentRead": consistent}
        answer = self._call("GetItem", request, table, _until())
        return from_item(answer["Item"]) if "Item" in answer else None

    def _get_many(self, table: str, keys: Sequence[dict[str, str]], *, consistent: bool) -> list[Item]:
        items: list[Item]
        waiting, items, until = [to_item(key) for key in keys], [], _until()
        for attempt in range(MOST_ATTEMPTS):
            if attempt and not _pause(attempt, until):
                break
            request = {"RequestItems": {table: {"Keys": waiting, "ConsistentRead": consistent}}}
            answer = self._call("BatchGetItem", request, table, until)
            items += map(from_item, answer["Responses"].get(table, []))
            waiting = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if not waiting:
                return items
            if len(waiting) < len(keys) / 2:  # some answer: DynamoDB gives at most 16 MB at once
                until = max(until, _until())
        raise StoreError(f"table {table} leaves {len(waiting)} keys unprocessed")

    def _call(self, operation: str, request: dict[str, Any], table: str, until: float) -> dict[str, Any]:
        """Return DynamoDB's answer. until: the monotonic time after which it is not tried again."""
        body, why = json.dumps(request).encode(), "no time is left"
        for attempt in range(MOST_ATTEMPTS):
            if attempt and not _pause(attempt, until):
                break
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                status, answer = self._connection.post(operation, body, timeout=min(TIMEOUT_S, left))
            except (OSError, http.client.HTTPException) as error:
                why = repr(error)
                continue
            if status == 200:
                document = _object(answer)
                if document is not None:
                    return document
                why = "the answer is not DynamoDB's"
                continue
            name = error_name(answer)
            if name == "ResourceNotFoundException":
                raise _MissingTableError(f"table {table} does not exist: deploy the stack again")
            if not may_pass(status, name):
                raise ServingError(f"DynamoDB refuses {operation} of table {table}: {name}: {error_message(answer)}")
            why = f"{status} {name}"
        raise StoreError(f"table {table} did not answer: {why}")


def _until() -> float:
    """Return the monotonic time at which a call must have ended: before the deadline, if there is one."""
    left: float = getitimer(ITIMER_REAL)[0]
    return time.monotonic() + (min(WINDOW_S, left * SHARE) if left > 0 else WINDOW_S)


def _pause(attempt: int, until: float) -> bool:
    """Wait with full jitter. Returns False, at once, if no time would be left."""
    pause = random.uniform(0, FIRST_PAUSE_S * 2**attempt)  # noqa: S311 - spreads retries, guards nothing
    if time.monotonic() + pause >= until:
        return False
    time.sleep(pause)
    return True


def _object(answer: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(answer)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _row(item: Item) -> Row:
    passed = item.get("passed")
    return Row(from_json(item["prediction"]), from_json(passed) if passed else {})
