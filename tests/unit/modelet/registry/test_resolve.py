from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelet.errors import CommandError, UnknownVersionError
from modelet.registry.alias import set_alias
from modelet.registry.resolve import resolve
from modelet.store.keys import claim_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.store.manifest import Manifest
    from modelet.store.store import Store


@pytest.fixture
def published(store: Store, publish: Callable[[str, str], Manifest]) -> Store:
    for version in ("9", "10", "beta"):
        publish("sentiment", version)
    set_alias(store, "sentiment", "prod", "9")
    return store


@pytest.mark.parametrize(("reference", "version"), [("9", "9"), ("beta", "beta"), ("prod", "9"), ("latest", "10")])
def test_a_version_an_alias_and_latest_mean_one_version(published: Store, reference: str, version: str) -> None:
    assert resolve(published, "sentiment", reference) == version


def test_a_claim_is_not_latest(published: Store) -> None:
    published.write_once(claim_path("sentiment", "11"), b"{}")
    assert resolve(published, "sentiment", "latest") == "10"
    with pytest.raises(UnknownVersionError):
        resolve(published, "sentiment", "11")


@pytest.mark.parametrize("reference", ["11", "stage", "", "../9", "Latest", "prod.json"])
def test_an_unknown_reference_is_told_with_all_that_there_is(published: Store, reference: str) -> None:
    expected = r"sentiment has no version or alias .* in .*; versions: 9, 10, beta; aliases: prod = 9; `modelet pub"
    with pytest.raises(UnknownVersionError, match=expected):
        resolve(published, "sentiment", reference)


def test_an_unknown_model_is_told_with_those_that_there_are(published: Store) -> None:
    with pytest.raises(
        UnknownVersionError, match=r"no model 'diabetes'; its models: sentiment; `modelet publish diabetes`"
    ):
        resolve(published, "diabetes", "latest")


def test_an_empty_store_says_how_to_begin(store: Store) -> None:
    with pytest.raises(
        UnknownVersionError, match=r"has no model 'diabetes'; `modelet publish diabetes` makes its first"
    ):
        resolve(store, "diabetes", "prod")


def test_an_alias_whose_version_is_not_in_this_store_is_said_so(published: Store) -> None:
    published.overwrite("sentiment/aliases/prod.json", b'{"version": "12"}')
    with pytest.raises(UnknownVersionError, match=r"sentiment has no version '12', to which alias 'prod' points"):
        resolve(published, "sentiment", "prod")


def test_a_damaged_alias_is_named(published: Store) -> None:
    published.overwrite("sentiment/aliases/prod.json", b"{")
    with pytest.raises(CommandError, match=r"prod\.json is not a valid alias"):
        resolve(published, "sentiment", "prod")


def test_a_version_published_under_an_aliass_name_is_what_the_name_means(
    published: Store, publish: Callable[[str, str], Manifest]
) -> None:
    publish("sentiment", "prod")
    assert resolve(published, "sentiment", "prod") == "prod"
