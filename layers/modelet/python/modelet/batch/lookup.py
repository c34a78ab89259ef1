"""The look-up of predictions by their keys: every answer comes from exactly one generation."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.dynamodb import MissingTableError, Table, Write
from modelet.batch.generations import Generations
from modelet.batch.signed_reads import SignedReads
from modelet.batch.table import EXPIRES, MOST_KEY_BYTES, PREDICTIONS
from modelet.errors import ContractError, StoreError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelet.batch.attributes import Item
    from modelet.batch.generations import Generation

FRESH_S = 2.0
"""Seconds for which a pointer that was read is taken as the current one."""
SETTLING_S = 60.0
"""Seconds after a switch in which reads are consistent: items that were written just before must be found."""
MOST_ATTEMPTS = 5
"""Calls before StoreError: somebody waits for the answer."""
TIMEOUT_S = 2.0
"""Seconds for connecting, and for each read of an answer, before the next attempt."""
MOST_KEPT_BYTES = 390_000
"""The largest prediction that is kept: an item of DynamoDB has at most 409,600 bytes."""
MOST_SWITCHES = 3
"""How often one look-up begins again because its table was deleted."""


class Prediction(NamedTuple):
    """A prediction in the table. text: compact JSON. passed: the copied columns. source: batch or online."""

    text: str
    passed: dict[str, Any] | None
    source: str

    @property
    def value(self) -> Any:
        """The prediction as a JSON value."""
        return json.loads(self.text)


class Looked(NamedTuple):
    """The answer of a look-up. generation: None if the model has none. predictions: of the keys that have one."""

    generation: Generation | None
    predictions: dict[str, Prediction]


class Lookup:
    """Looks predictions up, for one thread. client: boto3's client of DynamoDB. clock: Unix seconds.

    Predictions are read by signed requests over one connection, and kept by boto3. Raises StoreError (retryable) if
    DynamoDB does not answer, ServingError if a retry would not help, also if the client has no credentials.
    """

    def __init__(self, client: Any, control_table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._reads = SignedReads(client, TIMEOUT_S)
        self._generations = Generations(self._reads, control_table, attempts=MOST_ATTEMPTS)
        self._clock = clock
        self._read: dict[str, tuple[float, Generation | None]] = {}

    def active(self, model: str) -> Generation | None:
        """Return the pointer of a model, at most 2 seconds old; None if it has none, or if its generation expired."""
        pointer = self.pointer(model)
        return None if pointer is None or pointer.is_expired(self._clock()) else pointer

    def pointer(self, model: str) -> Generation | None:
        """Return the pointer of a model, also to a generation that expired; None if it has none."""
        read = self._read.get(model)
        if read is None or not 0 <= time.monotonic() - read[0] < FRESH_S:
            # The time before the call: what is read is at least as new.
            read = self._read[model] = (time.monotonic(), self._generations.active(model))
        return read[1]

    def get(self, model: str, keys: Sequence[str]) -> Looked:
        """Return the predictions of keys, all from one generation; expired ones are absent, as if there were none.

        Raises ContractError for a key that is empty, no text or above 2,048 bytes.
        """
        check_keys(keys)
        for _ in range(MOST_SWITCHES):
            pointer = self.active(model)
            if pointer is None or not keys:
                return Looked(pointer, {})
            try:
                return Looked(pointer, self._predictions(pointer, keys))
            except MissingTableError:
                # The table of a generation is deleted some time after a switch, which the pointer read before may miss.
                self._read.pop(model, None)
                if self.active(model) == pointer:
                    raise
        raise StoreError(f"the active generation of {model} changed {MOST_SWITCHES} times during one look-up")

    def keep(self, model: str, key: str, prediction: Any, ttl_s: float) -> bool:
        """Put an online prediction into the active generation, for some seconds, unless the key has one there.

        It expires with its generation at the latest.

        Returns whether it was put; False too if the model has no generation, or if the prediction is too large for an
        item. Raises ContractError as `get`.
        """
        check_keys([key])
        pointer = self.active(model)
        if pointer is None:
            return False
        now = self._clock()
        text = json.dumps(prediction, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        if len(text.encode()) > MOST_KEPT_BYTES:
            return False
        item = {
            PREDICTIONS.partition: key,
            PREDICTIONS.sort: pointer.generation,
            "prediction": text,
            "source": "online",
            EXPIRES: int(now + ttl_s) if pointer.until is None else min(int(now + ttl_s), pointer.until),
        }
        absent = f"attribute_not_exists(#{PREDICTIONS.partition}) OR #{EXPIRES} <= :now"
        try:
            table = Table(self._client, pointer.table, attempts=MOST_ATTEMPTS)
            return table.write(Write(item, condition=absent, values={"now": now})).is_done
        except MissingTableError:
            self._read.pop(model, None)
            return False

    def _predictions(self, pointer: Generation, keys: Sequence[str]) -> dict[str, Prediction]:
        wanted = [{PREDICTIONS.partition: key, PREDICTIONS.sort: pointer.generation} for key in dict.fromkeys(keys)]
        now = self._clock()
        table, consistent = Table(self._reads, pointer.table, attempts=MOST_ATTEMPTS), now - pointer.since < SETTLING_S
        if len(wanted) == 1:
            item = table.get(wanted[0], consistent=consistent)
            found = [item] if item else []
        else:
            found = table.get_many(wanted, consistent=consistent)
        return {item[PREDICTIONS.partition]: _prediction(item) for item in found if not _is_expired(item, now)}


def check_keys(keys: Sequence[str]) -> None:
    """Check that DynamoDB can have such keys. Raises ContractError with the place of each key that it cannot."""
    reasons = [(place, _fault(key)) for place, key in enumerate(keys)]
    violations = [Violation(place, "", reason, "key") for place, reason in reasons if reason]
    if violations:
        raise ContractError(violations)


def _fault(key: Any) -> str | None:
    if not isinstance(key, str) or not key:
        return "the key must be a text that is not empty"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key has a character without a form in UTF-8"
    return f"the key has {size} bytes, at most {MOST_KEY_BYTES} are allowed" if size > MOST_KEY_BYTES else None


def _is_expired(item: Mapping[str, Any], now: float) -> bool:
    return EXPIRES in item and item[EXPIRES] <= now


def _prediction(item: Item) -> Prediction:
    passed = item.get("passed")
    return Prediction(item["prediction"], json.loads(passed) if passed else None, item.get("source", "batch"))
