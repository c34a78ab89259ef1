"""The file of a chunk's keys has their digests in order, and an index by the first byte."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.keys import ENTRY, INDEX, INDEX_BYTES, KeyDigests, place_of_entries
from modelet.batch.outputs.items import digest


@given(st.lists(st.lists(st.text(max_size=3), max_size=20), max_size=4))
def test_every_key_is_found_by_the_first_byte_of_its_digest(pieces: list[list[str]]) -> None:
    digests, row = KeyDigests(), 2**33
    expected = []
    for keys in pieces:
        rows = range(row, row + len(keys))
        digests.add(keys, rows)
        expected += [(digest(key), number) for key, number in zip(keys, rows, strict=True)]
        row += len(keys)
    data = digests.to_bytes()
    index = np.frombuffer(data[:INDEX_BYTES], INDEX)
    found = []
    for byte in range(256):
        start, end = place_of_entries(int(index[byte]), int(index[byte + 1]))
        for entry in np.frombuffer(data[start:end], ENTRY):
            key = b"".join(int(entry[half]).to_bytes(8, "big") for half in ("high", "low"))
            assert key[0] == byte
            found.append((key, int(entry["row"])))
    assert sorted(found) == sorted(expected)
    assert [key[:8] for key, _ in found] == sorted(key[:8] for key, _ in found)
    assert len(data) == place_of_entries(0, len(expected))[1]
