"""Digests: the right ones, whoever computes them, and nothing taken for what was published that is not."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet import digest as module
from modelet.digest import LARGE, DigestCheck, digest, hasher
from modelet.errors import ArtifactError


@given(st.binary(max_size=5_000))
def test_a_digest_is_the_one_that_everybody_else_computes(data: bytes) -> None:
    assert digest(data) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + 1])
def test_small_and_large_files_have_the_same_kind_of_digest(size: int) -> None:
    assert digest(b"x" * size) == hashlib.sha256(b"x" * size).hexdigest()


def test_small_files_are_hashed_without_openssl() -> None:
    code = "import sys; from modelet.digest import digest; digest(b'x'); sys.exit('_hashlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert type(hasher(LARGE)) is type(hashlib.sha256())
    assert module.LARGE == 1024 * 1024


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(0, 7), st.integers(0, 255))
def test_parts_are_taken_for_the_file_only_where_all_of_them_are_right(
    parts: list[bytes], place: int, other: int
) -> None:
    whole = b"".join(parts)
    arrived = [*parts]
    if place < len(parts):
        arrived[place] = bytes([other]) + parts[place][1:]
    file = DigestCheck("m/1/f", "file:///store", len(whole), hashlib.sha256(whole).hexdigest())
    for part in arrived:
        file.update(part)
    if b"".join(arrived) == whole:
        file.finish()
    else:
        with pytest.raises(ArtifactError, match=r"m/1/f (has|was altered)"):
            file.finish()
