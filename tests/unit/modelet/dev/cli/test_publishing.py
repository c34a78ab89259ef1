"""new, publish, pin, bundle, push: a model's way from an empty folder to another store, as a person walks it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelet.registry.listing import read_manifest
from modelet.store.store import Store
from support.commands import failure, lines

Run = Callable[..., Result]


@pytest.fixture
def churn(run: Run, project: Path) -> Path:
    """The folder of a new model."""
    assert run("new", "churn").exit_code == 0
    return project / "functions" / "churn"


def test_new_prints_the_files_that_it_made(run: Run, project: Path) -> None:
    result = run("new", "review-mood", "--backend", "sklearn")
    made = result.stdout.splitlines()
    assert "functions/review_mood/app.py" in made
    assert all((project / path).is_file() for path in made)
    assert failure(run("new", "review-mood")).startswith("functions/review_mood already exists")


@pytest.mark.parametrize("backend", ["onnx", "sklearn"])
def test_a_new_model_is_published_and_asked_at_once(run: Run, project: Path, backend: str) -> None:
    run("new", "churn", "--backend", backend)
    published = run("publish", "churn")
    assert (published.exit_code, published.stdout) == (0, "churn: published version 1\n")
    assert "\x1b" not in published.stderr
    body = json.loads((project / "events" / "churn" / "infer.json").read_text())["body"]
    answer = run("infer", "churn", body)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["probability"] > 0.5


def test_a_version_may_have_a_name_and_is_written_once(run: Run, churn: Path) -> None:
    assert run("publish", "churn", "--version", "2026-11").stdout == "churn: published version 2026-11\n"
    assert "2026-11" in failure_after_progress(run("publish", "churn", "--version", "2026-11"))


def test_a_train_py_that_fails_is_one_line(run: Run, churn: Path) -> None:
    (churn / "train.py").write_text("def train():\n    return 1 / 0\n")
    said = failure_after_progress(run("publish", "churn"))
    assert "functions/churn/train.py" in said
    assert "ZeroDivisionError" in said


def test_the_traceback_of_a_train_py_is_there_for_the_asking(churn: Path) -> None:
    (churn / "train.py").write_text("def train():\n    return 1 / 0\n")
    command = [str(Path(sys.executable).with_name("modelet")), "publish", "churn", "--verbose"]
    done = subprocess.run(command, cwd=churn, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "return 1 / 0" in done.stderr


def test_a_finished_estimator_is_published_with_the_bounds_of_its_examples(run: Run, churn: Path) -> None:
    rows = np.array([[float(place), float(place % 3)] for place in range(40)])
    fitted = LogisticRegression().fit(rows, rows[:, 0] > 20)
    joblib.dump(fitted, churn / "model.joblib")
    (churn / "rows.csv").write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in rows))
    (churn / "app.py").unlink()
    given = ("--from", str(churn / "model.joblib"), "--examples", str(churn / "rows.csv"))
    assert run("publish", "churn", "--bounded").exit_code == 2
    assert run("publish", "churn", *given, "--bounded").exit_code == 0
    assert json.loads(run("infer", "churn", '{"a": 30, "b": 1}').stdout)["label"] is True
    refused = run("infer", "churn", '{"a": 41, "b": 1}')
    assert (refused.exit_code, json.loads(refused.stdout)["status"]) == (1, 422)


def test_a_column_of_a_csv_is_what_types_says_or_what_the_estimator_knows(run: Run, churn: Path, store: Store) -> None:
    zips = ["02139", "10001", "02139", "94110"] * 10
    frame = pd.DataFrame({"zip": zips, "n": range(40)})
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["zip"]), ("drop", ["n"]))
    fitted = make_pipeline(encoded, LogisticRegression(C=100)).fit(frame, [text == "02139" for text in zips])
    joblib.dump(fitted, churn / "model.joblib")
    frame.to_csv(churn / "rows.csv", index=False)
    (churn / "app.py").unlink()
    (churn / "model.yaml").write_text("backend: sklearn\n")
    given = ("--from", str(churn / "model.joblib"), "--examples", str(churn / "rows.csv"))
    types = ("--types", "zip=string", "--types", "n=number")
    for version, kinds, said in (("1", ["string", "integer"], ()), ("2", ["string", "number"], types)):
        assert run("publish", "churn", *given, *said).exit_code == 0
        manifest, _ = read_manifest(store, "churn", version)
        assert [column.type for column in manifest.columns] == kinds
    assert run("publish", "churn", "--types", "zip=string").exit_code == 2
    for wrong in ("zip", "zip=text", "=string"):
        refused = run("publish", "churn", *given, "--types", wrong)
        assert refused.exit_code == 2
        assert "COLUMN=TYPE" in refused.stderr
    assert "which is not a column" in failure_after_progress(run("publish", "churn", *given, "--types", "zap=string"))


def test_pin_writes_the_lock_and_bundle_takes_its_version(run: Run, churn: Path) -> None:
    for _ in range(2):
        run("publish", "churn")
    assert run("pin", "churn", "1").stdout == "churn: pinned version 1 in functions/churn/model.lock\n"
    assert run("bundle", "churn").stdout == "churn: version 1 in functions/churn/bundle.json\n"
    assert run("pin", "churn").stdout == "churn: pinned version 2, was 1 in functions/churn/model.lock\n"
    assert run("bundle").stdout == "churn: version 2 in functions/churn/bundle.json\n"
    assert json.loads((churn / "bundle.json").read_bytes())["lock"]["version"] == "2"


def test_bundle_bakes_the_version_where_model_yaml_says_so(run: Run, churn: Path) -> None:
    run("publish", "churn")
    spec = (churn / "model.yaml").read_text()
    (churn / "model.yaml").write_text(f"{spec}stages: {{prod: {{artifact: baked}}}}\n")
    baked = run("bundle", "churn", "--stage", "prod")
    assert baked.stdout == "churn: version 1 in functions/churn/bundle.json, its files in functions/churn/baked\n"
    assert baked.stderr == "copying churn version 1 to functions/churn/baked\n"
    assert (churn / "baked" / "churn" / "1" / "model.onnx").is_file()
    assert run("bundle", "churn", "--stage", "prod").stderr == ""
    assert run("bundle", "churn").stdout == "churn: version 1 in functions/churn/bundle.json\n"
    assert not (churn / "baked").exists()


def test_bundle_without_a_lock_takes_what_model_yaml_means_now(run: Run, churn: Path) -> None:
    run("publish", "churn")
    assert run("bundle", "churn", "--stage", "prod").exit_code == 0
    assert not (churn / "model.lock").exists()


def test_pin_without_a_name_pins_what_has_no_lock_and_leaves_the_rest(run: Run, churn: Path, project: Path) -> None:
    shutil.copytree(churn, project / "functions" / "again")
    for name in ("churn", "churn", "again"):
        run("publish", name)
    run("pin", "churn", "1")
    assert run("pin").stdout.splitlines() == [
        "again: pinned version 1 in functions/again/model.lock",
        "churn: stays at version 1",
    ]


def test_pin_publishes_first_what_has_no_version_when_asked_to(run: Run, churn: Path) -> None:
    assert failure(run("pin")).endswith("has no version of churn: run `modelet pin --publish` to publish them first")
    assert not (churn / "model.lock").exists()
    assert run("pin", "--publish").stdout == "churn: pinned version 1 in functions/churn/model.lock\n"


def test_a_bundle_is_not_made_for_a_lock_that_the_store_does_not_hold(run: Run, churn: Path, project: Path) -> None:
    run("publish", "churn")
    run("pin", "churn")
    manifest = project / ".modelet" / "store" / "churn" / "1" / "model.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"churn"', b'"churn" '))
    assert "model.lock pins another version 1 of churn" in failure(run("bundle", "churn"))


def test_pin_of_an_unknown_version_lists_what_there_is(run: Run, churn: Path) -> None:
    run("publish", "churn")
    assert "no version or alias '7'" in failure(run("pin", "churn", "7"))


def test_a_new_version_does_not_hide_that_another_is_pinned(run: Run, show: Callable[..., str], churn: Path) -> None:
    run("publish", "churn")
    assert "to serve it: modelet up" in show("publish", "churn")
    run("pin", "churn", "1")
    assert "model.lock pins version 1; to serve the new version: modelet pin churn 3" in show("publish", "churn")
    (churn / "model.lock").write_text("{}")
    assert "functions/churn/model.lock is not a valid lock" in show("publish", "churn")


def test_a_new_version_that_model_yaml_does_not_mean_is_not_said_to_be_served(
    run: Run, show: Callable[..., str], churn: Path
) -> None:
    spec = (churn / "model.yaml").read_text()
    (churn / "model.yaml").write_text(spec.replace("version: latest", "version: prod"))
    assert "model.yaml's 'prod' is not a version yet; to serve the new version: modelet pin churn 1" in show(
        "publish", "churn"
    )
    run("alias", "churn", "prod", "1")
    said = show("publish", "churn")
    assert "model.yaml's 'prod' is version 1; to serve the new version: modelet pin churn 2" in said
    assert "to serve it: modelet up" not in said


def test_a_new_version_with_a_name_is_not_the_latest(run: Run, show: Callable[..., str], churn: Path) -> None:
    run("publish", "churn")
    said = show("publish", "churn", "--version", "2026-11")
    assert "model.yaml's 'latest' is version 1; to serve the new version: modelet pin churn 2026-11" in said


def test_a_pinned_version_whose_manifest_changed_is_not_pinned_again(run: Run, churn: Path, project: Path) -> None:
    run("publish", "churn")
    run("pin", "churn")
    before = (churn / "model.lock").read_bytes()
    shutil.rmtree(project / ".modelet" / "store")
    run("publish", "churn")
    said = failure(run("pin", "churn"))
    assert said.startswith("functions/churn/model.lock pins another version 1 of churn than the one in file:///")
    assert said.endswith("use the store in which it was pinned, or delete the lock and pin again")
    assert (churn / "model.lock").read_bytes() == before
    (churn / "model.lock").unlink()
    assert run("pin", "churn").stdout == "churn: pinned version 1 in functions/churn/model.lock\n"


def test_push_without_a_version_copies_what_is_pinned(run: Run, churn: Path, tmp_path: Path) -> None:
    target = (tmp_path / "target").as_uri()
    assert failure(run("push", "--to", target)).startswith("functions/churn has no model.lock: run `modelet pin churn`")
    for _ in range(2):
        run("publish", "churn")
    run("pin", "churn", "1")
    for words in ([], ["churn"]):
        assert run("push", *words, "--to", target).stdout == f"churn: version 1 is in {target}\n"
    assert lines(run("versions", "churn", "--store", target))[0][0] == "1"
    assert len(lines(run("versions", "churn", "--store", target))) == 1


def test_push_copies_a_version_to_another_store(run: Run, churn: Path, tmp_path: Path) -> None:
    run("publish", "churn")
    target = f"{tmp_path.as_uri()}/other"
    assert run("push", "churn", "latest", "--to", target).stdout == f"churn: version 1 is in {target}\n"
    assert lines(run("versions", "churn", "--store", target)) == lines(run("versions", "churn"))
    assert Store(target).paths("churn")


def test_push_of_a_version_that_the_lock_names_copies_only_the_pinned_one(
    run: Run, churn: Path, tmp_path: Path
) -> None:
    target = (tmp_path / "target").as_uri()
    for _ in range(2):
        run("publish", "churn")
    run("pin", "churn", "2")
    lock = json.loads((churn / "model.lock").read_bytes())
    (churn / "model.lock").write_text(json.dumps({**lock, "manifest_sha256": "0" * 64}))
    for words in (["churn", "2"], ["churn", "latest"], ["churn"], []):
        refused = failure(run("push", *words, "--to", target))
        assert "model.lock pins another version 2 of churn than the one in file://" in refused
        assert refused.endswith("delete the lock and run `modelet pin churn`")
    assert not Store(target).paths("")
    assert run("push", "churn", "1", "--to", target).exit_code == 0, "the lock names no version 1"
    (churn / "model.lock").write_text(json.dumps(lock))
    (churn / "model.yaml").write_text("what: is this\n")
    assert run("push", "churn", "2", "--to", target).exit_code == 0, "what is served is not what is copied"


def test_a_finished_estimator_is_published_with_its_examples(run: Run, churn: Path, project: Path) -> None:
    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(3).normal(50, 20, (50, 3))
    joblib.dump(LogisticRegression().fit(rows, np.where(rows[:, 0] > 50, "worn", "healthy")), project / "given.joblib")
    table = ["temperature,vibration,hours", *(",".join(map(str, row)) for row in rows.tolist())]
    (project / "rows.csv").write_text("\n".join(table) + "\n")
    result = run("publish", "churn", "--from", "given.joblib", "--examples", "rows.csv")
    assert (result.exit_code, result.stdout) == (0, "churn: published version 1\n"), result.output


def failure_after_progress(result: Result) -> str:
    """The last line of a command that had begun: what it did before is on stderr too."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in result.stderr
    return last
