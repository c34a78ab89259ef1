"""A profile as a whole: its figures agree with each other, and with what was published."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from modelet.dev.profile.owners import OWNERS
from modelet.dev.profile.profile import profile
from modelet.dev.progress import Lines
from modelet.errors import CommandError, UnknownVersionError
from modelet.store.store import Store
from support.events import rows_event
from support.projects import BAD, Tiny
from support.versions import classifier, onnx_bytes, write_version

from .conftest import EVENT, profiled


def test_a_profile_says_what_was_started_how_often_and_what_it_answered(tiny: Tiny) -> None:
    found = profile(tiny.function, tiny.store, EVENT, 2)
    assert (found.name, found.version, found.runs, found.status) == ("tiny", "1", 2, 200)
    names = [stage.name for stage in found.stages]
    assert names == ["interpreter", "runtime client", "imports", "fetch", "load", "first inference"]
    assert found.total.cpu_min_ms <= found.total.cpu_ms <= found.total.cpu_max_ms


def test_every_package_has_one_owner_and_its_time_is_that_of_its_modules(changed: Callable[[str], Tiny]) -> None:
    found = profiled(changed("import pandas\n"))
    trees = {owner: [each for root in found.imports[owner] for each in root.walk()] for owner in OWNERS}
    for package, owner in {"pandas": "yours", "modelet.backends.onnx": "modelet", "awslambdaric": "runtime"}.items():
        assert [each for each, tree in trees.items() if package in {one.module for one in tree}] == [owner]
    for owner, tree in trees.items():
        whole = sum(root.cumulative_us for root in found.imports[owner])
        assert whole == pytest.approx(sum(each.self_us for each in tree), rel=0.02), owner


def test_an_event_that_is_refused_is_seen_in_the_status(tiny: Tiny) -> None:
    assert profiled(tiny, json.dumps(rows_event(BAD)).encode()).status == 422


def test_a_bare_answer_and_a_start_without_an_event_have_no_status(tiny: Tiny) -> None:
    assert profiled(tiny, b'{"a": 4, "b": 2}').status is None
    found = profiled(tiny, None)
    assert found.status is None
    assert [stage.name for stage in found.stages][-1] == "load"


def test_as_json_it_has_everything(changed: Callable[[str], Tiny]) -> None:
    found = profiled(changed("import requests\n"))
    document = json.loads(json.dumps(found.document(least_ms=1)))
    assert document["stages"][0].keys() == {"name", "wall_ms", "cpu_ms", "resident_mb"}
    assert document["total"]["peak_mb"] > 20
    assert document["advice"][0]["where"] == "functions/tiny/app.py:1"
    assert {"module", "where", "cumulative_ms", "self_ms", "imports"} == document["imports"]["yours"][0].keys()
    assert len(json.dumps(found.document())) > len(json.dumps(document))


def test_the_work_is_told_step_by_step(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    profile(tiny.function, tiny.store, None, 1, Lines(sys.stderr))
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_a_version_that_is_not_there_is_named(tiny: Tiny) -> None:
    (tiny.function.folder / "model.yaml").write_text("version: '7'\n")
    with pytest.raises(UnknownVersionError, match="no version or alias '7'"):
        profiled(tiny)


def test_a_store_in_s3_is_fetched_from(tiny: Tiny, s3_store: Store) -> None:
    write_version(s3_store, {"model.onnx": onnx_bytes(classifier())})
    found = profile(tiny.function, s3_store, EVENT, 1)
    assert found.status == 200
    assert "obstore" in {each.module for root in found.imports["modelet"] for each in root.walk()}


def test_an_app_that_cannot_be_read_is_named(changed: Callable[[str], Tiny]) -> None:
    with pytest.raises(CommandError, match=r"app\.py cannot be imported: ZeroDivisionError"):
        profiled(changed("1 / 0\n"))
