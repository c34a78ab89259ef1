from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.digest import digest
from modelet.errors import ManifestError, UnknownVersionError
from modelet.registry.listing import latest, models, read_manifest, versions
from modelet.store.keys import claim_path, is_number, is_version, manifest_path
from modelet.store.manifest import Manifest
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_empty_store_has_no_models(store: Store) -> None:
    assert models(store) == []
    assert versions(store, "sentiment") == []


def test_models_are_sorted_and_have_a_version_each(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "1")
    publish("breast-cancer", "1")
    store.write_once(claim_path("only-claimed", "1"), b"{}")
    store.write_once("Not_Ours/1/model.json", b"{}")
    store.write_once("readme.txt", b"hello")
    assert models(store) == ["breast-cancer", "sentiment"]


def test_ten_comes_after_nine_and_names_after_numbers(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    for version in ("10", "beta", "9", "100", "2", "Alpha", "07"):
        publish("sentiment", version)
    assert versions(store, "sentiment") == ["2", "9", "10", "100", "07", "Alpha", "beta"]


def test_a_claim_without_a_manifest_is_no_version(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "1")
    store.write_once(claim_path("sentiment", "2"), b"{}")
    store.write_once("sentiment/2/model.onnx", b"graph")
    store.write_once("sentiment/3/below/model.json", b"{}")
    assert versions(store, "sentiment") == ["1"]
    assert latest(store, "sentiment") == "1"


def test_aliases_are_no_versions(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    publish("sentiment", "1")
    store.overwrite("sentiment/aliases/prod.json", b'{"version": "1"}')
    store.overwrite("sentiment/aliases/model.json", b'{"version": "1"}')
    assert versions(store, "sentiment") == ["1"]


def test_a_model_whose_name_begins_another_is_not_mixed_up_with_it(
    store: Store, publish: Callable[[str, str], Manifest]
) -> None:
    publish("sentiment", "1")
    publish("sentiment-long", "2")
    assert versions(store, "sentiment") == ["1"]
    assert versions(store, "sentiment-long") == ["2"]


@pytest.mark.parametrize("model", ["", "..", "Sentiment", "a/b", "sentiment/1"])
def test_what_is_no_name_has_no_versions(store: Store, publish: Callable[[str, str], Manifest], model: str) -> None:
    publish("sentiment", "1")
    assert versions(store, model) == []
    with pytest.raises(UnknownVersionError):
        latest(store, model)


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path.as_uri())
    for stray in (".DS_Store", "sentiment/.hidden/model.json", "sentiment/a b/model.json", "sentiment/ä/model.json"):
        (tmp_path / stray).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stray).touch()
    (tmp_path / "empty").mkdir()
    assert models(store) == versions(store, "sentiment") == []


def test_latest_is_the_highest_number(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    for version in ("9", "10", "zebra"):
        publish("sentiment", version)
    assert latest(store, "sentiment") == "10"


def test_latest_of_named_versions_alone_says_which_there_are(
    store: Store, publish: Callable[[str, str], Manifest]
) -> None:
    publish("sentiment", "beta")
    with pytest.raises(
        UnknownVersionError, match=r"sentiment has no numbered version in .*; versions: beta; `modelet publish sent"
    ):
        latest(store, "sentiment")


def test_an_unknown_model_is_told_with_those_that_there_are(
    store: Store, publish: Callable[[str, str], Manifest]
) -> None:
    publish("sentiment", "1")
    with pytest.raises(
        UnknownVersionError, match=r"has no model 'sentimnet'; its models: sentiment; `modelet publish sentimnet`"
    ):
        latest(store, "sentimnet")


def test_a_long_list_is_cut_to_its_newest(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    for version in range(1, 26):
        publish("sentiment", str(version))
    with pytest.raises(UnknownVersionError, match=r"versions: 5 more, 6, 7, .*, 24, 25; "):
        read_manifest(store, "sentiment", "26")


@given(found=st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,6}", fullmatch=True).filter(is_version), unique=True))
def test_any_names_are_listed_once_numbers_first_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, found: list[str]
) -> None:
    store = Store(tmp_path_factory.mktemp("store").as_uri())
    for version in found:
        store.write_once(manifest_path("m", version), b"{}")
    listed = versions(store, "m")
    numbers = [version for version in listed if is_number(version)]
    assert sorted(listed) == sorted(found)
    assert listed[: len(numbers)] == numbers
    assert [int(number) for number in numbers] == sorted(int(number) for number in numbers)


# manifests


def test_a_manifest_comes_with_the_digest_of_its_bytes(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    published = publish("sentiment", "1")
    assert read_manifest(store, "sentiment", "1") == (published, digest(store.read("sentiment/1/model.json")))


@pytest.mark.parametrize("version", ["2", "latest", "../1", ""])
def test_a_manifest_that_is_not_there_is_told_with_those_that_are(
    store: Store, publish: Callable[[str, str], Manifest], version: str
) -> None:
    publish("sentiment", "1")
    with pytest.raises(UnknownVersionError, match=r"sentiment has no version .*; versions: 1; "):
        read_manifest(store, "sentiment", version)


def test_a_truncated_manifest_is_named(store: Store, publish: Callable[[str, str], Manifest]) -> None:
    published = publish("sentiment", "1")
    store.overwrite("sentiment/1/model.json", published.to_json()[:-20])
    with pytest.raises(ManifestError, match=r"/sentiment/1/model\.json: .*truncated"):
        read_manifest(store, "sentiment", "1")


def test_a_manifest_that_was_copied_to_another_version_is_refused(
    store: Store, publish: Callable[[str, str], Manifest]
) -> None:
    published = publish("sentiment", "1")
    store.write_once("sentiment/2/model.json", published.to_json())
    with pytest.raises(ManifestError, match=r"/sentiment/2/model\.json is the manifest of sentiment version 1"):
        read_manifest(store, "sentiment", "2")
