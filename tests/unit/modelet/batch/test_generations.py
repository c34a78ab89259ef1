"""The pointer to the active generation: switches and rollbacks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from modelet.batch.errors import ConflictError
from modelet.batch.generations import Generation, Generations
from modelet.batch.table import EXPIRES
from support.tables import Clock, Relay


@pytest.fixture
def generations(dynamodb: Any, control: str, clock: Clock) -> Generations:
    return Generations(dynamodb, control, clock=clock)


def test_a_model_without_a_load_has_no_generation(generations: Generations) -> None:
    assert generations.active("iris") is None
    with pytest.raises(ConflictError, match="nothing to roll back to"):
        generations.rollback("iris")


def test_the_first_switch_has_nothing_before_it(generations: Generations) -> None:
    pointer = generations.switch("iris", "b1", "table", rows=10, since=100)
    assert pointer == Generation("b1", "table", 10, 100.0, "b1")
    assert generations.active("iris") == pointer
    assert generations.active("other") is None
    with pytest.raises(ConflictError, match="nothing to roll back to"):
        generations.rollback("iris")


def test_a_switch_keeps_the_generation_before_and_a_rollback_swaps_them(generations: Generations, clock: Clock) -> None:
    generations.switch("iris", "b1", "one", rows=10, since=100)
    second = generations.switch("iris", "b2", "two", rows=20, since=200)
    assert second == Generation("b2", "two", 20, 200.0, "b2", "b1", "one", 10)
    back = generations.rollback("iris")
    assert back == Generation("b1", "one", 10, clock.now, "b2", "b2", "two", 20)
    assert generations.active("iris") == back
    assert generations.rollback("iris") == second._replace(since=clock.now)


def test_the_same_switch_again_changes_nothing(generations: Generations) -> None:
    first = generations.switch("iris", "b1", "table", rows=10, since=100)
    assert generations.switch("iris", "b1", "table", rows=10, since=300) == first
    assert generations.active("iris") == first


def test_an_older_batch_that_ends_later_does_not_become_active(generations: Generations) -> None:
    generations.switch("iris", "b2", "table", rows=10, since=100)
    with pytest.raises(ConflictError, match="batch b1 does not become active: batch b2 is newer"):
        generations.switch("iris", "b1", "table", rows=10, since=300)


def test_a_late_batch_does_not_undo_a_rollback(generations: Generations) -> None:
    generations.switch("iris", "b1", "table", rows=10, since=100)
    generations.switch("iris", "b3", "table", rows=10, since=200)
    back = generations.rollback("iris")
    with pytest.raises(ConflictError, match="b3 is newer"):
        generations.switch("iris", "b2", "table", rows=10, since=300)
    assert generations.switch("iris", "b3", "table", rows=10, since=300) == back
    assert generations.switch("iris", "b4", "table", rows=10, since=300).previous == "b1"


def test_a_switch_that_meets_another_one_is_decided_anew(
    relayed: tuple[Any, Relay], generations: Generations, control: str
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", "table", rows=1, since=1)
    relay.before = lambda: assert_active(generations.switch("iris", "b2", "table", rows=1, since=2), "b2")
    pointer = Generations(client, control).switch("iris", "b3", "table", rows=1, since=3)
    assert (pointer.generation, pointer.previous) == ("b3", "b2")
    relay.before = lambda: assert_active(generations.switch("iris", "b5", "table", rows=1, since=2), "b5")
    with pytest.raises(ConflictError, match="b5 is newer"):
        Generations(client, control).switch("iris", "b4", "table", rows=1, since=3)


def test_a_rollback_to_an_expired_generation_is_refused(generations: Generations, clock: Clock) -> None:
    generations.switch("iris", "b1", "table", rows=1, since=1, until=int(clock.now) + 10)
    generations.switch("iris", "b2", "table", rows=2, since=2, until=int(clock.now) + 20)
    back = generations.rollback("iris")
    assert (back.generation, back.until, back.previous_until) == ("b1", clock.now + 10, clock.now + 20)
    assert not back.is_expired(clock.now)
    clock.now += 10
    assert back.is_expired(clock.now)
    assert_active(generations.rollback("iris"), "b2")
    with pytest.raises(
        ConflictError, match="previous generation b1 of model iris expired at 2027-01-15 08:00 UTC: start"
    ):
        generations.rollback("iris")


def test_what_has_expired_does_not_become_active(generations: Generations, clock: Clock) -> None:
    generations.switch("iris", "b1", "table", rows=1, since=1)
    with pytest.raises(ConflictError, match=r"its predictions expired at 2027-01-15 08:00 UTC; raise batch\.expires"):
        generations.switch("iris", "b2", "table", rows=1, since=2, until=int(clock.now))
    assert_active(generations.active("iris"), "b1")


def test_the_pointer_itself_never_expires(generations: Generations, dynamodb: Any, control: str, clock: Clock) -> None:
    generations.switch("iris", "b1", "table", rows=1, since=1, until=int(clock.now) + 10)
    generations.switch("iris", "b2", "table", rows=1, since=1, until=int(clock.now) + 10)
    [item] = dynamodb.scan(TableName=control)["Items"]
    assert EXPIRES not in item


def test_the_pointer_names_the_table_that_a_switch_made_unreachable(generations: Generations) -> None:
    for number in (1, 2, 3):
        pointer = generations.switch("iris", f"b{number}", f"table-{number}", rows=1, since=1)
    assert (pointer.table, pointer.previous_table, pointer.dropped_table) == ("table-3", "table-2", "table-1")
    generations.rollback("iris")
    assert generations.switch("iris", "b4", "table-4", rows=1, since=1).dropped_table == "table-3"


def test_a_rollback_that_meets_a_switch_is_refused(
    relayed: tuple[Any, Relay], generations: Generations, control: str
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", "table", rows=1, since=1)
    generations.switch("iris", "b2", "table", rows=1, since=1)
    relay.before = lambda: assert_active(generations.switch("iris", "b3", "table", rows=1, since=2), "b3")
    with pytest.raises(ConflictError, match="changed at the same moment"):
        Generations(client, control).rollback("iris")
    assert_active(generations.active("iris"), "b3")


def assert_active(pointer: Generation | None, generation: str) -> None:
    assert pointer is not None
    assert pointer.generation == generation


class Pointer(RuleBasedStateMachine):
    """Switches and rollbacks in any order, with lost answers; the pointer stays that of a model."""

    def __init__(self, client: Any, relay: Relay, control: str, model: str) -> None:
        super().__init__()
        self.relay = relay
        self.generations = Generations(client, control)
        self.model = model
        self.active: tuple[str, str, int] | None = None
        self.previous: tuple[str, str, int] | None = None
        self.newest = ""

    @rule(number=st.integers(0, 9), rows=st.integers(0, 99))
    def switch(self, number: int, rows: int) -> None:
        name, table = f"b{number}", f"table-{number}"
        if name < self.newest:
            with pytest.raises(ConflictError):
                self.generations.switch(self.model, name, table, rows, 1)
            return
        self.generations.switch(self.model, name, table, rows, 1)
        if name > self.newest:
            self.active, self.previous, self.newest = (name, table, rows), self.active, name

    @rule()
    def rollback(self) -> None:
        if self.previous is None:
            with pytest.raises(ConflictError):
                self.generations.rollback(self.model)
            return
        self.generations.rollback(self.model)
        self.active, self.previous = self.previous, self.active

    @rule()
    def lose(self) -> None:
        self.relay.lost = 1

    @invariant()
    def agrees(self) -> None:
        found = self.generations.active(self.model)
        if found is None:
            assert self.active is None
            return
        assert (found.generation, found.table, found.rows) == self.active
        before = (found.previous, found.previous_table, found.previous_rows)
        assert before == (self.previous or (None, None, None))
        assert found.newest == self.newest


def test_the_pointer_is_right_after_any_sequence(relayed: tuple[Any, Relay], control: str) -> None:
    client, relay = relayed
    models = iter(f"model{number}" for number in range(100_000))

    def machine() -> Pointer:
        relay.lost = 0
        return Pointer(client, relay, control, next(models))

    limits = settings(
        max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=limits)  # type: ignore[arg-type]  # a factory serves as well
