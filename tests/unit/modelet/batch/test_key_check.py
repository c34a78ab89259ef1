"""Keys that repeat are found step by step: each call does at least one, and none is done twice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch import key_check
from modelet.batch.budget import Budget
from modelet.batch.chunk import Chunk
from modelet.batch.files import BatchFiles
from modelet.batch.fold import Entries, Fold
from modelet.batch.key_check import KeyCheck, plan_parts
from modelet.batch.keys import ENTRY, INDEX_BYTES, KeyDigests
from modelet.batch.settings import WorkerSettings
from modelet.batch.winners import Winners
from modelet.errors import RequestError, StoreError
from modelet.store.errors import InputError
from support.objects import MemoryObjects

FILES = BatchFiles("s3://batches/tiny/b1")
PLENTY = 1769


def check_of(objects: MemoryObjects, chunks: Sequence[Sequence[str]], memory_mb: int = PLENTY) -> KeyCheck:
    """The check of chunks with these keys, whose numbers have gaps as in a plan."""
    described = []
    for place, keys in enumerate(chunks):
        digests = KeyDigests()
        digests.add(keys, range(len(keys)))
        chunk = Chunk(3 * place, "s3://in/a.csv", "e", 1, "csv", False, 0, 1, 0, len(keys))
        objects.data[FILES.keys(chunk.number)] = digests.to_bytes()
        described.append(chunk)
    return KeyCheck(FILES, described, objects, memory_mb)


def calls_of(check: KeyCheck) -> int:
    """Run a check with time for one step a call; returns the number of calls."""
    for call in range(1, 2_000):
        if check.run(Budget(0.0)):
            return call
    raise AssertionError("the check does not end")


def winners_of(found: Winners) -> list[tuple[int, int]]:
    return [(found.chunk_of(number), int(found.rows_from(number)[0])) for number in range(found.count)]


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    """Twenty entries are in memory at one time, of a worker with 1 MB."""
    monkeypatch.setattr(key_check, "SHARE", 2**20 // (20 * ENTRY.itemsize))
    return 20


@given(
    st.lists(st.lists(st.text(max_size=2), max_size=30), min_size=1, max_size=6), st.sampled_from([20, 300, 100_000])
)
def test_what_repeats_is_what_a_dictionary_finds(chunks: list[list[str]], most: int) -> None:
    places: dict[str, list[tuple[int, int]]] = {}
    for number, keys in enumerate(chunks):
        for row, key in enumerate(keys):
            places.setdefault(key, []).append((number, row))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_check, "SHARE", max(1, 2**20 // (most * ENTRY.itemsize)))
        patch.setattr(key_check, "GROUP", 2)
        check = check_of(MemoryObjects(), chunks, 1 if most < 100_000 else PLENTY)
        calls_of(check)
        found = check.result()
    assert found.total == sum(len(each) - 1 for each in places.values())
    assert winners_of(found) == sorted(each[-1] for each in places.values() if len(each) > 1)
    for first, second in found.examples:
        assert first < second
        assert chunks[first[0]][first[1]] == chunks[second[0]][second[1]]


def test_calls_go_on_where_the_last_one_stopped_and_read_nothing_twice(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(key_check, "GROUP", 2)
    objects = MemoryObjects()
    check = check_of(objects, [[f"{chunk}/{row}" for row in range(100)] for chunk in range(5)], 1)
    calls = calls_of(check)
    read = [each for each in objects.ranges if "/keys/" in each[0]]
    assert len(read) == len(set(read))
    assert sum((end or 0) - (start or 0) for _, start, end in read) == 5 * (INDEX_BYTES + 100 * ENTRY.itemsize)
    parts = len(check._parts())
    assert parts >= 500 / most
    assert parts <= calls <= parts + 3  # a group of indexes a call, of three
    assert check.run(Budget(None))
    assert [each for each in objects.ranges if "/keys/" in each[0]] == read


def test_with_enough_time_one_call_does_all() -> None:
    check = check_of(MemoryObjects(), [["a", "b"], ["c", "a"]])
    assert check.run(Budget(None))
    assert winners_of(check.result()) == [(1, 1)]


def test_what_was_found_before_an_error_is_kept(most: int) -> None:
    objects = MemoryObjects()
    check = check_of(objects, [[f"{row % 40}" for row in range(100)] for _ in range(3)], 1)
    operations = itertools.count(1)

    def fail(_operation: str, _url: str) -> None:
        if next(operations) % 20 == 0:
            raise StoreError("the store does not answer")

    objects.before = fail
    failures = 0
    while failures < 1_000:
        try:
            assert check.run(Budget(None))
            break
        except StoreError:
            failures += 1
    objects.before = lambda _operation, _url: None
    assert 0 < failures < 1_000
    assert check.result().total == 260
    assert winners_of(check.result()) == [(2, row) for row in range(60, 100)]


def test_equal_keys_of_any_number_are_checked_in_bounded_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    sizes: list[int] = []

    class Watched(Fold):
        def begin(self, count: int) -> Entries:
            work = super().begin(count)
            sizes.append(len(work))
            return work

    monkeypatch.setattr(key_check, "Fold", Watched)
    check = check_of(MemoryObjects(), [["same"] * 70, ["other", *["same"] * 70], ["same"]], 1)
    calls_of(check)
    assert check.result().total == 140
    assert winners_of(check.result()) == [(2, 0)]
    assert max(sizes) <= most
    assert len(sizes) > 140 / most


def test_more_different_keys_than_memory_are_refused_with_the_remedy(most: int) -> None:
    check = check_of(MemoryObjects(), [[f"{row}" for row in range(256 * 2 * most)]], 1)
    with pytest.raises(RequestError, match=r"more different keys than 1 MB of memory can check: raise worker\.memory"):
        check.run(Budget(None))


@pytest.mark.parametrize("keys", [[["a"]], [[]], [["a"], [], ["b"]]])
def test_batches_of_one_chunk_and_chunks_without_rows_are_checked(keys: list[list[str]]) -> None:
    check = check_of(MemoryObjects(), keys)
    assert check.run(Budget(None))
    assert (check.result().total, check.result().count) == (0, 0)


def test_a_key_file_that_is_gone_or_hidden_is_missed_by_name() -> None:
    objects = MemoryObjects()
    check = check_of(objects, [["a"], ["b"]])
    del objects.data[FILES.keys(3)]
    with pytest.raises(FileNotFoundError, match=r"00000003\.bin"):
        check.run(Budget(None))

    def hide(operation: str, url: str) -> None:
        if operation == "read" and url == FILES.keys(3):
            raise InputError("may not be read")

    objects.before = hide
    with pytest.raises(FileNotFoundError, match=r"00000003\.bin"):
        check.run(Budget(None))


@pytest.mark.parametrize("keep", [3, INDEX_BYTES, INDEX_BYTES + ENTRY.itemsize])
def test_a_key_file_that_was_cut_is_named(keep: int) -> None:
    objects = MemoryObjects()
    check = check_of(objects, [["a"], ["b", "c"]])
    objects.data[FILES.keys(3)] = objects.data[FILES.keys(3)][:keep]
    with pytest.raises(RequestError, match=r"00000003\.bin, a file of the batch, was changed"):
        check.run(Budget(None))


def test_a_key_file_that_changes_during_the_check_is_named(most: int) -> None:
    objects = MemoryObjects()
    check = check_of(objects, [[f"{row}" for row in range(50)]], 1)
    assert not check.run(Budget(0.0))
    digests = KeyDigests()
    digests.add([f"other {row}" for row in range(50)], range(50))
    objects.data[FILES.keys(0)] = digests.to_bytes()
    with pytest.raises(RequestError, match="was changed from outside"):
        calls_of(check)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=256), st.integers(1, 60))
def test_parts_have_at_most_so_many_entries_and_cover_all_bytes(sizes: list[int], most: int) -> None:
    parts = plan_parts(np.array(sizes), most)
    assert [byte for first, end in parts for byte in range(first, end)] == list(range(len(sizes)))
    for first, end in parts:
        assert end - first == 1 or sum(sizes[first:end]) <= most
    for first, end in parts[:-1]:
        assert sum(sizes[first : end + 1]) > most  # no part is smaller than it must be


@pytest.mark.parametrize(("set_to", "memory_mb"), [("3008", 3008), (None, 1769)])
def test_the_memory_is_the_worker_s_own(monkeypatch: pytest.MonkeyPatch, set_to: str | None, memory_mb: int) -> None:
    for name in ("MODELET_CONTROL_TABLE", "MODELET_BATCHES"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    if set_to:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", set_to)
    assert WorkerSettings.from_environ().memory_mb == memory_mb
