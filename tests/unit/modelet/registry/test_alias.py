from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from modelet.errors import CommandError, UnknownVersionError
from modelet.registry.alias import aliases, read_alias, set_alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.store.manifest import Manifest
    from modelet.store.store import Store


def test_a_model_without_aliases_has_none(store: Store) -> None:
    assert aliases(store, "sentiment") == {}
    assert read_alias(store, "sentiment", "prod") is None


def test_an_alias_names_a_version_until_it_is_moved(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "1")
    publish("sentiment", "2")
    set_alias(store, "sentiment", "prod", "1")
    set_alias(store, "sentiment", "beta", "1")
    set_alias(store, "sentiment", "prod", "2")
    assert aliases(store, "sentiment") == {"beta": "1", "prod": "2"}
    assert list(aliases(store, "sentiment")) == ["beta", "prod"]
    assert store.read("sentiment/aliases/prod.json") == b'{"version": "2"}\n'


@pytest.mark.parametrize("alias", ["", "1", "007", "latest", "a/b", "../prod", "a b", ".prod"])
def test_what_cannot_be_an_alias_is_refused_with_the_rule(
    store: Store, publish: Callable[[str, str], Manifest], alias: str
) -> None:
    publish("sentiment", "1")
    with pytest.raises(CommandError, match="cannot be an alias: letters, digits"):
        set_alias(store, "sentiment", alias, "1")
    assert aliases(store, "sentiment") == {}


@pytest.mark.parametrize("version", ["2", "latest", "prod"])
def test_an_alias_needs_a_version_that_exists(
    store: Store, publish: Callable[[str, str], Manifest], version: str
) -> None:
    publish("sentiment", "1")
    with pytest.raises(UnknownVersionError, match=r"sentiment has no version .*; versions: 1; "):
        set_alias(store, "sentiment", "prod", version)
    assert aliases(store, "sentiment") == {}


def test_an_alias_may_not_hide_a_version_of_its_name(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "beta")
    with pytest.raises(CommandError, match="'beta' is a version of sentiment"):
        set_alias(store, "sentiment", "beta", "beta")


def test_an_unknown_model_is_said(store: Store) -> None:
    with pytest.raises(UnknownVersionError, match="has no model 'sentiment'"):
        set_alias(store, "sentiment", "prod", "1")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"version": 3}', b'{"version": "../1"}', b"\xff", b"[" * 100_000, b"{}"]
)
def test_a_damaged_alias_is_named_with_the_remedy_and_hides_no_other(
    store: Store, publish: Callable[[str, str], Manifest], data: bytes
) -> None:
    publish("sentiment", "1")
    store.overwrite("sentiment/aliases/prod.json", data)
    store.overwrite("sentiment/aliases/beta.json", b'{"version": "1"}')
    with pytest.raises(
        CommandError, match=r"aliases/prod\.json is not a valid alias: .*`modelet alias sentiment prod VERSION`"
    ):
        read_alias(store, "sentiment", "prod")
    assert aliases(store, "sentiment") == {"beta": "1", "prod": None}
    set_alias(store, "sentiment", "prod", "1")
    assert aliases(store, "sentiment") == {"beta": "1", "prod": "1"}


def test_files_beside_the_aliases_are_left_alone(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "1")
    store.write_once("sentiment/aliases/readme.txt", b"hello")
    store.write_once("sentiment/aliases/7.json", b"{}")
    store.write_once("sentiment/aliases/prod.json/x", b"{}")
    assert aliases(store, "sentiment") == {}


def test_aliases_moved_by_many_at_once_are_whole_and_one_of_theirs(
    store: Store, publish: Callable[[str, str], Manifest]
) -> None:
    wanted = [str(number) for number in range(1, 9)]
    for version in wanted:
        publish("sentiment", version)
    set_alias(store, "sentiment", "prod", "1")
    start = threading.Barrier(len(wanted) + 1)
    seen: list[str | None] = []
    failed: list[Exception] = []

    def move(version: str) -> None:
        start.wait()
        try:
            for _ in range(3):
                set_alias(store, "sentiment", "prod", version)
                seen.append(read_alias(store, "sentiment", "prod"))
        except Exception as error:  # noqa: BLE001  the thread's own end would hide it
            failed.append(error)

    threads = [threading.Thread(target=move, args=(version,)) for version in wanted]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(seen) <= set(wanted)
    assert aliases(store, "sentiment").keys() == {"prod"}
    assert aliases(store, "sentiment")["prod"] in wanted
