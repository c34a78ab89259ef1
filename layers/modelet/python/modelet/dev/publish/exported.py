"""Package an exported model of texts: check that it serves its examples, and measure it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelet.backends import BACKENDS, resolve
from modelet.backends.onnx import ENGINE
from modelet.dev.publish.draft import UNWRITTEN, Package, listed
from modelet.dev.publish.facts import runtime
from modelet.dev.publish.onnx.graph import check_servable, read_model
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.onnx.quantize import quantized
from modelet.dev.publish.parity.served import TASKS, check_equal, loss, served
from modelet.dev.publish.source.exported import GRAPH_FILE, LABEL_MAP, TOKENIZER, Exported, read_record
from modelet.errors import PublishError
from modelet.store.manifest import Column, Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function


def package_exported(function: Function, exported: Exported, progress: Progress) -> Package:
    """Package an exported model, quantised if model.yaml says so. Raises PublishError and its subclasses."""
    place = f"functions/{function.folder.name}"
    if not GRAPH_FILE.endswith(BACKENDS[function.spec.backend].ending):
        raise PublishError(f"{place}/model.yaml has backend: {function.spec.backend}: remove backend, it is a graph")
    if not function.has_app:
        raise PublishError(f"{place} has no app.py: a model of texts is served by a class (docs/texts.md)")
    record = read_record(exported.folder)
    if record.get("task") not in TASKS:
        raise PublishError(f"the task is {record.get('task')}, which no class serves: use one of {', '.join(TASKS)}")
    progress.step(
        f"checking {exported.folder.name}: {record['task']}, compared with {record['parity']['compared_with']}"
    )
    given = (exported.folder / GRAPH_FILE).read_bytes()
    check_servable(read_model(given, GRAPH_FILE))
    files = {GRAPH_FILE: given, TOKENIZER: (exported.folder / TOKENIZER).read_bytes()}
    manifest = _manifest(function, exported, record, files)
    examples = _examples(exported.examples, manifest.features)
    exact = served(manifest, files, examples)
    compiled = {"backend": "onnx", "opset": record["opset"], "parity": record["parity"], "optimized_by": ENGINE}
    compiled["served"] = {"examples": len(examples), "unknown_tokens": exact.unknown, "alone_as_together": True}
    if function.spec.quantize is not None:
        graph = quantized(given)
        compiled["quantized"] = {"type": "int8", "bytes": len(graph), "before_bytes": len(given)}
        progress.step(f"quantised to int8: {len(given):,} to {len(graph):,} bytes")
    else:
        graph = optimized(given)
    files[GRAPH_FILE] = graph
    manifest = manifest._replace(files=listed(files), compiled=compiled)
    here = served(manifest, files, examples)
    if function.spec.quantize is not None:
        compiled["quantized"] |= loss(exact, here, function.spec.quantize.max_loss)
    else:
        compiled["served"]["greatest_difference"] = check_equal(exact, here)
    if here.metric:
        progress.step(f"{here.metric} on {len(examples)} examples: {here.figures[here.metric]:.4f}")
    return Package(files, manifest._replace(performance=here.figures, metric=here.metric))


def _manifest(function: Function, exported: Exported, record: dict[str, Any], files: Mapping[str, bytes]) -> Manifest:
    fields = resolve(TASKS[record["task"]]).fields
    taken = ("task", "labels", "max_seq_length", "pad_token_id")
    if clash := [name for name in (*taken, "label_map") if name in exported.info]:
        raise PublishError(f"info has {', '.join(clash)}, which publish sets itself: remove it")
    names = exported.folder / LABEL_MAP
    named = {"label_map": _read_names(names)} if names.is_file() else {}
    told = {name: record[name] for name in ("source", "checkpoint", "val_loss") if record.get(name) is not None}
    return Manifest(
        name=function.name,
        model_lib="transformers",
        model_lib_version=record["libraries"]["transformers"],
        model_data=GRAPH_FILE,
        features=fields,
        class_name=record["class"],
        metric="",
        performance={},
        feature_importance={},
        model_info={**exported.info, **told, **named, **{name: record[name] for name in taken}},
        files=listed(files),
        columns=tuple(Column(name, "string") for name in fields),
        runtime=runtime("numpy", "onnx", "onnxruntime", "tokenizers"),
        **UNWRITTEN,
    )


def _examples(given: Sequence[Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the examples as mappings. Raises PublishError if one lacks a field, or if there are none."""
    found = [{fields[0]: each} if isinstance(each, str) else each for each in given]
    if not found:
        raise PublishError("there are no examples: give held-out texts, as requests have them")
    for place, each in enumerate(found):
        wrong = [name for name in fields if not isinstance(each, Mapping) or not isinstance(each.get(name), str)]
        if wrong:
            raise PublishError(f"examples: number {place} has no text {wrong[0]}: give {', '.join(fields)}")
    return [dict(each) for each in found]


def _read_names(path: Any) -> dict[str, str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PublishError(f"{path.name} is not JSON ({error}): write an object from tags to names") from error
    if not isinstance(names, dict) or not all(name and isinstance(name, str) for name in names.values()):
        raise PublishError(f"{path.name} is not an object from tags to names: write one, such as {{'PER': 'person'}}")
    return names
