"""The bundle: one that does not fit its function fails the init and says what to run."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from modelet.bundle import Lock
from modelet.digest import digest
from modelet.errors import (
    BundleError,
)
from modelet.startup.version import open_pinned
from support.callers import in_process
from support.projects import Tiny


def test_a_bundle_that_is_missing_fails_the_init_with_the_remedy(tiny: Tiny) -> None:
    tiny.function.bundle_path.unlink()
    with pytest.raises(BundleError, match="is missing: run `modelet bundle`"):
        tiny.start()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', "[" * 5000, '{"format": 99}'])
def test_a_damaged_bundle_fails_the_init(tiny: Tiny, text: str) -> None:
    tiny.function.bundle_path.write_text(text)
    with pytest.raises(BundleError, match="run `modelet bundle`"):
        tiny.start()


@pytest.mark.parametrize("name", ["app.py", "model.yaml"])
def test_a_bundle_older_than_its_sources_fails_the_init_and_names_the_source(tiny: Tiny, name: str) -> None:
    path = tiny.function.folder / name
    path.write_text(path.read_text() + "\n")
    with pytest.raises(BundleError, match=f"stale, {name} has changed: run `modelet bundle tiny`"):
        tiny.start()


def test_no_bit_of_a_bundle_can_be_flipped_under_a_digest_that_is_trusted(tiny: Tiny) -> None:
    path = tiny.function.bundle_path
    whole = path.read_bytes()
    trusted = tiny.settings._replace(bundle_sha256=digest(whole))
    assert open_pinned(trusted).bundle.lock == tiny.lock
    for place in random.Random(9).sample(range(len(whole) * 8), 300):
        altered = bytearray(whole)
        altered[place // 8] ^= 1 << place % 8
        path.write_bytes(altered)
        with pytest.raises(BundleError, match=r"bundle\.json does not match .* MODELET_BUNDLE_SHA256 \(.{12}…\)"):
            open_pinned(trusted)


def test_a_start_says_once_that_nothing_vouches_for_its_bundle(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    trusted = tiny.settings._replace(bundle_sha256=digest(tiny.function.bundle_path.read_bytes()))
    with in_process(tiny.function, trusted):
        assert capsys.readouterr().err == ""
    with in_process(tiny.function, tiny.settings):
        said = "bundle.json is not verified: MODELET_BUNDLE_SHA256 is not set to its SHA-256\n"
        assert capsys.readouterr().err == said


def test_a_bundle_of_another_pydantic_core_fails_the_init(tiny: Tiny) -> None:
    contract = json.loads(tiny.function.bundle_path.read_text())["contract"]
    tiny.rebundle(contract={**contract, "pydantic_core": "2.0.0"})
    with pytest.raises(BundleError, match=r"made with pydantic-core 2\.0\.0"):
        tiny.start()


def test_a_bundle_of_another_version_than_the_lock_s_fails_the_init(tiny: Tiny) -> None:
    tiny.function.lock_path.write_bytes(Lock("2", "0" * 64).to_json("tiny"))
    with pytest.raises(BundleError, match=r"stale, model\.lock pins another version: run `modelet bundle tiny`"):
        tiny.start()
    tiny.function.lock_path.write_bytes(tiny.lock.to_json("tiny"))
    tiny.start()


@pytest.mark.parametrize(
    "replaced",
    [
        {"contract": None},
        {"contract": {}},
        {"spec": {}},
        {"spec": {"backend": "onnx", "limits": 5}},
        {"sources": None},
        {"lock": {"version": 1, "manifest_sha256": "0"}},
        {"lock": None},
        {"openapi": {}},
    ],
)
def test_a_bundle_with_a_member_of_another_type_fails_the_init(tiny: Tiny, replaced: dict[str, Any]) -> None:
    tiny.rebundle(**replaced)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged: run `modelet bundle`"):
        tiny.start()
