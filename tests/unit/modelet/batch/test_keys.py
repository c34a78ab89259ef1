"""Keys that repeat are found among the digests of all chunks, in memory that does not grow with the batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch import keys
from modelet.batch.keys import KeyDigests, find_repeated

Chunks = list[list[str]]


def files_of(chunks: Chunks) -> tuple[list[tuple[int, str]], Callable[[str, int, int | None], bytes]]:
    """The files of some chunks, and a function that reads a part of one."""
    files = {}
    for number, each in enumerate(chunks):
        digests = KeyDigests()
        digests.add(each, range(len(each)))
        files[f"{number}"] = digests.to_bytes()
    return [(number, f"{number}") for number in range(len(chunks))], lambda url, start, end: files[url][start:end]


@given(st.lists(st.lists(st.text(max_size=2), max_size=30), min_size=1, max_size=6))
def test_what_repeats_is_what_a_dictionary_finds(chunks: Chunks) -> None:
    places: dict[str, list[tuple[int, int]]] = {}
    for number, each in enumerate(chunks):
        for row, key in enumerate(each):
            places.setdefault(key, []).append((number, row))
    found = find_repeated(*files_of(chunks))
    assert found.total == sum(len(each) - 1 for each in places.values())
    winners = {(int(number), int(row)) for number, row in found.places}
    assert winners == {each[-1] for each in places.values() if len(each) > 1}
    for first, second in found.examples:
        assert first < second
        assert chunks[first[0]][first[1]] == chunks[second[0]][second[1]]


def test_large_batches_are_checked_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [[f"key {number}" for number in range(start, start + 700)] for start in range(0, 3000, 500)]
    whole = find_repeated(*files_of(chunks))
    monkeypatch.setattr(keys, "PART_BYTES", 2_000)
    in_parts = find_repeated(*files_of(chunks))
    assert whole.total == in_parts.total == 5 * 200
    assert sorted(map(tuple, whole.places)) == sorted(map(tuple, in_parts.places))


def test_only_parts_of_the_files_are_read_at_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    urls, read = files_of([[f"{chunk}/{row}" for row in range(2_000)] for chunk in range(4)])
    sizes: list[int] = []

    def counted(url: str, start: int, end: int | None) -> bytes:
        data = read(url, start, end)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(keys, "PART_BYTES", 20_000)
    assert find_repeated(urls, counted).total == 0
    assert max(sizes) <= 20_000
    assert sum(sizes) == 4 * (keys.INDEX_BYTES + 2_000 * keys.ENTRY.itemsize)


def test_keys_of_any_text_have_a_digest() -> None:
    urls, read = files_of([["\ud800", "é", "", "\0"], ["\ud800"]])
    assert find_repeated(urls, read).total == 1
