"""Choosing the version that a function serves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from modelet.bundle import Lock
from modelet.dev.progress import Silent
from modelet.dev.publish.claim import claimed
from modelet.dev.publish.write import write_version
from modelet.digest import digest
from modelet.errors import BundleError, CommandError, UnknownVersionError
from modelet.publishing import pin, resolve_lock
from modelet.registry.alias import set_alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Package
    from modelet.store.store import Store


@pytest.fixture
def full(file_store: Store, packed: Package) -> Store:
    """A store with two numbers and a name."""
    for version in ("1", "2", "v1"):
        with claimed(file_store, "tiny", version, packed.manifest_of) as owned:
            write_version(file_store, packed.manifest, packed.files, owned, Silent())
    return file_store


def test_pinning_writes_the_version_and_the_digest_of_its_manifest(
    full: Store, make_function: Callable[..., Function]
) -> None:
    function = make_function(name="tiny")
    lock = pin(function, full)
    assert lock == Lock("2", digest(full.read("tiny/2/model.json")))
    assert function.lock() == lock
    assert json.loads(function.lock_path.read_bytes())["model"] == "tiny"
    assert sorted(path.name for path in function.folder.iterdir()) == ["model.lock", "train.py"]


def test_a_reference_is_a_version_an_alias_or_latest(full: Store, make_function: Callable[..., Function]) -> None:
    set_alias(full, "tiny", "prod", "1")
    function = make_function(name="tiny", version="prod")
    assert pin(function, full).version == "1"
    assert pin(function, full, "v1").version == "v1"
    assert pin(function, full, "latest").version == "2"


def test_resolving_writes_nothing(full: Store, make_function: Callable[..., Function]) -> None:
    function = make_function(name="tiny")
    assert resolve_lock(function, full).version == "2"
    assert function.lock() is None


def test_a_version_that_is_not_there_leaves_the_lock_as_it_was(
    full: Store, make_function: Callable[..., Function]
) -> None:
    function = make_function(name="tiny")
    before = pin(function, full, "1")
    with pytest.raises(UnknownVersionError, match="no version or alias '9'"):
        pin(function, full, "9")
    assert function.lock() == before


def test_pinning_again_writes_the_same_lock(full: Store, make_function: Callable[..., Function]) -> None:
    function = make_function(name="tiny")
    assert pin(function, full, "1") == pin(function, full, "1") == function.lock()


def test_the_same_version_with_another_manifest_is_refused_and_the_lock_stays(
    full: Store, make_function: Callable[..., Function]
) -> None:
    function = make_function(name="tiny")
    pinned = Lock("2", "0" * 64)
    function.lock_path.write_bytes(pinned.to_json("tiny"))
    with pytest.raises(CommandError) as caught:
        pin(function, full)
    said = str(caught.value)
    assert f"model.lock pins another version 2 of tiny than the one in {full.url}" in said
    assert digest(full.read("tiny/2/model.json"))[:12] in said
    assert "not 000000000000…" in said
    assert function.lock() == pinned
    assert pin(function, full, "1").version == "1"


def test_a_lock_that_is_none_is_not_overwritten(full: Store, make_function: Callable[..., Function]) -> None:
    function = make_function(name="tiny")
    function.lock_path.write_text("{}")
    with pytest.raises(BundleError, match=r"model\.lock is not a valid lock: delete it and run `modelet pin`"):
        pin(function, full)
    assert function.lock_path.read_text() == "{}"
