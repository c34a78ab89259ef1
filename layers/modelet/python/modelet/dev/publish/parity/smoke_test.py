"""The smoke test: before a version is written, the function must predict its own examples correctly, as served."""

from __future__ import annotations

import ast
import warnings
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends import BACKENDS, resolve
from modelet.contract.contract import Contract
from modelet.dev.bundle.columns import column_types
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.publish.draft import draft
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.predictions import Answers, differences, mean_size
from modelet.dev.publish.source.pickles import as_in_the_image
from modelet.errors import ContractError, PublishError
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Package
    from modelet.dev.publish.parity.predictions import Measure
    from modelet.dev.publish.source.rows import Rows
    from modelet.store.artifacts import Artifacts
    from modelet.store.manifest import Manifest

ALONE = 16
"""How many rows are also predicted one by one, as in most requests, and as many of those with missing values."""

CLASS = "or write app.py with a class that has its own preprocess and postprocess"


def is_left_to_backend(function: Function) -> bool:
    """Return whether the author has no code between requests and the model; examples do not test such code."""
    return not function.has_app and function.spec.preprocessing is None


def prepares_texts(function: Function) -> bool:
    """Return whether the author's code is between requests and the graph: a preprocessing, or a preprocess method."""
    if function.spec.preprocessing is not None:
        return True
    if not function.has_app:
        return False
    try:
        tree = ast.parse((function.folder / "app.py").read_bytes())
    except (SyntaxError, ValueError):  # nothing is known about such code
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == "preprocess" for node in ast.walk(tree))


def check_serves(function: Function, package: Package, rows: Rows, expected: Answers, progress: Progress) -> None:
    """Predict the examples as they will be served, from validated JSON to validated predictions, and compare them.

    Raises PublishError, one sentence with the remedy.
    """
    manifest = package.manifest
    if not manifest.columns or manifest.answer is None:
        progress.step("note: write app.py before it can be served, because without a class there is no contract")
        return
    progress.step("smoke test: predicting the examples as they will be served")
    backend = function.spec.backend
    # A graph runs no code; a pickle runs that of the folder, but not train.py.
    surroundings = as_in_the_image(function.folder) if BACKENDS[backend].runs_code else nullcontext()
    try:
        with surroundings, draft(manifest, package.files) as artifacts, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the predictions show whether it matters
            pipeline = _pipeline(backend, artifacts)
            given = _answers(pipeline, rows, manifest)
            alone = _alone(rows)
            singly = [_answers(pipeline, rows.take([index]), manifest) for index in alone]
    except ContractError as error:
        raise PublishError(
            f"{function.name}: the version would reject its own examples ({line(error)}): describe their values in "
            f"columns, {CLASS}"
        ) from error
    except Exception as error:  # any error would fail a request
        raise PublishError(
            f"{function.name}: the version could not predict its own examples ({line(error.__cause__ or error)}): "
            f"{_remedy(backend)}, {CLASS}"
        ) from error
    expected = _of_labels(expected, manifest)
    scale = mean_size(expected)
    for index, single in zip(alone, singly, strict=True) if given.numbers.shape == expected.numbers.shape else ():
        # A row's prediction alone and among others both count: a right one must not hide a wrong one.
        if single.numbers.shape[1] != given.numbers.shape[1]:
            given.numbers[index] = np.nan
        elif differences(expected.take([index]), single, scale).wrong[0]:
            given.replace(index, single)
    _compare(function, rows, expected, given, scale)


def _pipeline(backend: str, artifacts: Artifacts) -> InferencePipeline:
    model = resolve(BACKENDS[backend].model)()
    model.load(artifacts)
    instance, prediction = column_types(artifacts.manifest)
    compiled = compile_type(instance), compile_type(prediction, returned=True)
    for one in compiled:
        if one.core is None:
            raise PublishError(f"a column {one.reason}")
    return InferencePipeline(model, Contract(*(one.core or {} for one in compiled)))


def _answers(pipeline: InferencePipeline, rows: Rows, manifest: Manifest) -> Answers:
    """Return the predictions that are served, in the form in which the estimator's are compared."""
    found = pipeline.infer(pipeline.contract.check_rows(rows.instances()), Timings()).predictions
    answer: Any = manifest.answer
    if "targets" in answer and answer["outputs"][0] == "label":
        labels = [[of_target["label"] for of_target in one.values()] for one in found]
        numbers = [[each for of_target in one.values() for each in _numbers(of_target)] for one in found]
    elif answer["outputs"][0] in {"label", "cluster"}:
        labels = [one[answer["outputs"][0]] for one in found]
        numbers = list(map(_numbers, found))
    else:
        labels = None
        numbers = [list(one.values()) if isinstance(one, dict) else one for one in found]
    measure: Measure = "probability" if "probabilities" in answer["outputs"] else "relative"
    return Answers(labels, np.array(numbers, dtype=np.float64).reshape(len(rows), -1), measure)


def _numbers(prediction: dict[str, Any]) -> list[float]:
    """Return the numbers beside a label."""
    if "probabilities" in prediction:
        return list(prediction["probabilities"].values())
    return prediction.get("distances") or ([prediction["score"]] if "score" in prediction else [])


def _of_labels(answers: Answers, manifest: Manifest) -> Answers:
    """Return the predictions; of the scores of several labels, only that of the row's own label is served."""
    answer, labels = manifest.answer or {}, manifest.model_info["labels"]
    if "scores" not in answer["outputs"] or "targets" in answer or len(labels) <= 2:
        return answers
    places = [labels.index(label) for label in answers.labels or ()]
    return replace(answers, numbers=answers.numbers[np.arange(len(places)), places].reshape(-1, 1))


def _alone(rows: Rows) -> list[int]:
    return sorted({*rows.spread(ALONE), *np.flatnonzero(rows.incomplete())[:ALONE].tolist()})


def _compare(function: Function, rows: Rows, expected: Answers, given: Answers, scale: float) -> None:
    if given.numbers.shape == expected.numbers.shape:
        found = differences(expected, given, scale)
        if not found.wrong.any():
            return
        wrong = int(found.wrong.sum())
        index = int(np.flatnonzero(found.wrong)[0])
        shown = f"\n  row {index}: {expected.shown(index)}, served {given.shown(index)}; {rows.shown(index)}"
    else:
        wrong, shown = len(rows), ""
    raise PublishError(
        f"{function.name}: the version would predict {wrong:,} of {len(rows):,} examples differently from the "
        f"model: {_remedy(function.spec.backend)}, {CLASS}{shown}"
    )


def _remedy(backend: str) -> str:
    if BACKENDS[backend].runs_code:
        return "fit the estimator on data as in requests: a list of texts, an array of floats or a DataFrame of both"
    if BACKENDS[backend].ending != ".onnx":
        return "fit the model on data as in requests: an array of floats or a DataFrame"
    return "give the graph one input for all columns, or one input for each, with its name"
