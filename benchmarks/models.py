"""Kinds of models: how each is served, how exactly, and what it costs. `python -m benchmarks.models` prints one table.

Each is fitted on generated rows, published with `backend: auto` to an emulated S3, and started in fresh processes
beside the floor (numpy and onnxruntime with the same graph on the local disk, or with that of the first model) and, for
boosting, beside the naive function of its kind. A library whose image has no scikit-learn and no pandas starts without
them. Ratios are of medians in one run. `python -m benchmarks.texts` measures named entities.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import joblib
import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from benchmarks.environment import Subject, measure
from benchmarks.lineup import command, event, push
from benchmarks.machine import machine, sentence
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.bundle.requirements import needed_by
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent / "model_subjects"
MANY = 1_000
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}
HIDDEN = {"lightgbm": "sklearn,pandas", "xgboost": "sklearn,pandas", "catboost": "sklearn,matplotlib,plotly"}

CHANCE = np.random.default_rng(3)
NUMBERS = pd.DataFrame(CHANCE.normal(size=(2_000, 10)), columns=[f"x{place}" for place in range(10)])
GAPS = NUMBERS.mask(CHANCE.random(NUMBERS.shape) < 0.05)
MIXED = GAPS.assign(city=pd.Categorical(CHANCE.choice(["Seoul", "Busan", "Daegu"], len(GAPS))))
LABELS = np.where(NUMBERS["x0"] + NUMBERS["x1"] * CHANCE.normal(1, 0.3, len(NUMBERS)) > 0, "yes", "no")
CODES = (LABELS == "yes").astype(int)


class Brought(NamedTuple):
    """A model.

    fit: returns it fitted, or the bytes of a file. rows: its examples. ending: of its file. has_naive: whether the
    naive function of its kind is measured too.
    """

    name: str
    fit: Callable[[], Any]
    rows: pd.DataFrame
    ending: str = "joblib"
    has_naive: bool = False


BOOSTED: dict[str, Any] = {"n_estimators": 100}
QUIETLY: dict[str, Any] = {"iterations": 100, "verbose": False, "allow_writing_files": False}
MODELS = (
    Brought("logistic regression", lambda: LogisticRegression().fit(NUMBERS, LABELS), NUMBERS),
    Brought("random forest", lambda: RandomForestClassifier(100, max_depth=8).fit(NUMBERS, LABELS), NUMBERS),
    Brought("k-means", lambda: KMeans(5, n_init=1).fit(NUMBERS), NUMBERS),
    Brought("isolation forest", lambda: IsolationForest(n_estimators=50).fit(NUMBERS), NUMBERS),
    Brought(
        "histogram boosting, categories",
        lambda: HistGradientBoostingClassifier(categorical_features="from_dtype").fit(MIXED, LABELS),
        MIXED,
    ),
    Brought("LightGBM", lambda: LGBMClassifier(**BOOSTED, verbose=-1).fit(MIXED, LABELS), MIXED, has_naive=True),
    Brought("LightGBM, its file", lambda: _file(LGBMClassifier(**BOOSTED, verbose=-1).fit(GAPS, CODES)), GAPS, "txt"),
    Brought(
        "LightGBM, linear trees",
        lambda: LGBMClassifier(**BOOSTED, verbose=-1, linear_tree=True).fit(GAPS, LABELS),
        GAPS,
        has_naive=True,
    ),
    Brought("XGBoost", lambda: XGBClassifier(**BOOSTED).fit(GAPS, CODES), GAPS, has_naive=True),
    Brought("XGBoost, its file", lambda: _file(XGBClassifier(**BOOSTED).fit(GAPS, CODES)), GAPS, "json"),
    Brought("XGBoost, dart", lambda: XGBClassifier(**BOOSTED, booster="dart").fit(GAPS, CODES), GAPS, has_naive=True),
    Brought("CatBoost", lambda: CatBoostClassifier(**QUIETLY).fit(GAPS, LABELS), GAPS, has_naive=True),
    Brought(
        "CatBoost, categories",
        lambda: CatBoostClassifier(**QUIETLY, cat_features=["city"]).fit(MIXED, LABELS),
        MIXED,
        has_naive=True,
    ),
)


def _file(model: Any) -> bytes:
    if isinstance(model, LGBMClassifier):
        return str(model.booster_.model_to_string()).encode()
    return bytes(model.get_booster().save_raw("json"))


class Served(NamedTuple):
    """A published model: its manifest, ours, its floor, and the naive function of its kind."""

    brought: Brought
    manifest: Manifest
    ours: Subject
    floor: Subject
    naive: Subject | None


@contextmanager
def lineup() -> Iterator[list[Served]]:
    """Yield every model, published and bundled."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder) / "project"
        (root / "functions").mkdir(parents=True)
        for place, brought in enumerate(MODELS):
            _publish(root, f"m{place}", brought)
        command(root, "pin")
        command(root, "bundle")
        endpoint, _ = stack.enter_context(emulated(0))
        push(root, endpoint)
        yield [_served(root, f"m{place}", brought, endpoint) for place, brought in enumerate(MODELS)]


def _publish(root: Path, name: str, brought: Brought) -> None:
    made = brought.fit()
    file, rows = root / f"{name}.{brought.ending}", root / f"{name}.csv"
    if isinstance(made, bytes):
        file.write_bytes(made)
    else:
        joblib.dump(made, file)
    brought.rows.to_csv(rows, index=False)
    command(root, "new", name, "--backend", "auto")
    command(root, "publish", name, "--from", str(file), "--examples", str(rows))


def _served(root: Path, name: str, brought: Brought, endpoint: str) -> Served:
    function, version = root / "functions" / name, root / ".modelet/store" / name / "1"
    manifest = Manifest.parse((version / "model.json").read_bytes())
    bucket = {**SIGNED_IN, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    trusted = {"MODELET_BUNDLE_SHA256": digest((function / BUNDLE_FILE).read_bytes())}
    hidden = HIDDEN.get(manifest.model_info["backend"], "")
    paths = [str(LAYER), *([str(HERE / "hidden")] if hidden else [])]
    own = {
        **trusted,
        **bucket,
        "MODELET_STORE": f"s3://{BUCKET}/models",
        "PYTHONPATH": ":".join(paths),
        "HIDDEN": hidden,
    }
    compiled = manifest.model_data.endswith(".onnx")
    graph = version / "model.onnx" if compiled else root / ".modelet/store/m0/1/model.onnx"
    naive = None
    if brought.has_naive:
        import boto3

        keys = {key.lower(): SIGNED_IN[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        client = boto3.client("s3", endpoint_url=endpoint, **keys)
        client.upload_file(str(root / f"{name}.joblib"), BUCKET, f"naive/{name}.joblib")
        given = {**bucket, "BUCKET": BUCKET, "KEY": f"naive/{name}.joblib"}
        naive = Subject(f"naive {name}", HERE, "naive.handler", given)
    return Served(
        brought,
        manifest,
        Subject(name, function, ENTRY_POINT, own),
        Subject(f"floor of {name}", HERE, "floor.handler", {**QUIET, "GRAPH": str(graph)}),
        naive,
    )


def body(served: Served, count: int, rows: pd.DataFrame | None = None) -> bytes:
    """Return the event of a request for some rows."""
    table = (served.brought.rows if rows is None else rows).head(count)
    instances = json.loads(table.to_json(orient="records"))
    asked = json.loads(event(served.ours.name))
    return json.dumps({**asked, "body": json.dumps({"instances": instances})}).encode()


def cold(served: Served, rounds: int) -> dict[str, float]:
    """Return the medians of the CPU ms until the first answer: ours, floor, naive."""
    is_own_floor = served.manifest.model_data.endswith(".onnx")
    given = {
        "ours": (served.ours, body(served, 1)),
        "floor": (served.floor, body(served, 1, None if is_own_floor else NUMBERS)),
    }
    if served.naive:
        given["naive"] = (served.naive, body(served, 1))
    found: dict[str, list[float]] = {name: [] for name in given}
    for _ in range(rounds):
        for name in random.sample(list(given), len(given)):
            sample = measure(*given[name])
            if json.loads(sample.answers[0])["statusCode"] != 200:
                raise RuntimeError(f"{given[name][0].name} answers {sample.answers[0][:300]!r}")
            found[name].append(sample.cpu_ms)
    return {name: statistics.median(values) for name, values in found.items()}


def each_row(served: Served) -> float:
    """Return the µs of one row in a request of a thousand."""
    sample = measure(served.ours, body(served, MANY), warm=7)
    return statistics.median(sample.warm_us) / MANY


def installed_mb(manifest: Manifest) -> float:
    """Return the MB of the libraries that a function needs for the model, beside Modelet's own."""
    total = 0
    for name in needed_by(manifest.model_info["backend"], manifest):
        try:
            total += sum(path.stat().st_size for path in map(_place, files(name) or ()) if path.exists())
        except PackageNotFoundError:
            continue
    return total / 2**20


def _place(path: PackagePath) -> Path:
    return Path(str(path.locate()))


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.models --rounds 5."""
    found = []
    with lineup() as models, click.progressbar(models, label="models", file=sys.stderr) as counted:
        for served in counted:
            info = served.manifest.model_info
            parity = (served.manifest.compiled or {}).get("parity", {})
            costs = cold(served, rounds)
            found.append(
                {
                    "model": served.brought.name,
                    "from": f".{served.brought.ending}",
                    "backend": info["backend"],
                    "difference": parity.get("greatest_difference"),
                    "labels_equal": parity.get("labels_equal"),
                    "rows": parity.get("example_rows", 0) + parity.get("generated_rows", 0),
                    "cpu_ms": round(costs["ours"]),
                    "of_floor": round(costs["ours"] / costs["floor"], 2),
                    "naive": round(costs["naive"] / costs["ours"], 1) if "naive" in costs else None,
                    "us_a_row": round(each_row(served), 1),
                    "libraries_mb": round(installed_mb(served.manifest)),
                }
            )
    if as_json:
        click.echo(json.dumps({"benchmark": "models", "machine": machine(), "rounds": rounds, "rows": found}, indent=2))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds\n")
    click.echo(
        "| model | from | backend | greatest difference | labels equal | rows compared | CPU ms | × floor | naive × | "
        "µs a row | libraries MB |"
    )
    click.echo("|" + "---|" * 11)
    for row in found:
        shown = [
            ("–" if value is None else f"{value:.2g}" if key == "difference" else str(value))
            for key, value in row.items()
        ]
        click.echo(f"| {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
