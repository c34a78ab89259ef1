"""`python -m modelet.dev.publish.export SOURCE --to FOLDER`: export a model, in the environment of `make export`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modelet.dev.publish.source.exported import GRAPH_FILE, LABEL_MAP, RECORD, TOKENIZER
from modelet.digest import digest
from modelet.errors import ModeletError


def main() -> None:
    """Export a model. Exit with 1 and one line on stderr if it cannot be exported."""
    parser = argparse.ArgumentParser(prog="modelet.dev.publish.export", description=main.__doc__)
    parser.add_argument("source", type=Path, help="a Hugging Face folder, a .ckpt, or a folder with some")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write")
    parser.add_argument("--task", help="by default what config.json says")
    parser.add_argument("--labels", type=Path, help="the labels of a classifier, instead of those in config.json")
    parser.add_argument("--max-length", type=int, help="the most tokens that the graph gets at once")
    given = parser.parse_args()
    try:
        _export(given)
    except ModeletError as error:
        sys.exit(f"error: {error}")


def _export(given: Any) -> None:
    from modelet.dev.publish.export.graph import OPSET, compare, export
    from modelet.dev.publish.export.opened import open_model

    opened = open_model(given.source, given.task, given.labels, given.max_length)
    graph, wrapped = export(opened)
    figures = compare(opened, wrapped, _runner(graph, wrapped.outputs))
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / GRAPH_FILE).write_bytes(graph)
    (given.to / TOKENIZER).write_bytes(opened.tokenizer)
    folder = given.source if given.source.is_dir() else given.source.parent
    if (folder / LABEL_MAP).is_file() and folder != given.to:
        shutil.copy(folder / LABEL_MAP, given.to)
    record = {
        "task": opened.task,
        "labels": opened.labels,
        "max_seq_length": opened.max_seq_length,
        "pad_token_id": opened.pad_token_id,
        **opened.described,
        "libraries": {name: version(name) for name in ("onnx", "onnxruntime", "onnxscript", "torch", "transformers")},
        "opset": OPSET,
        "graph_sha256": digest(graph),
        "tokenizer_sha256": digest(opened.tokenizer),
        "parity": figures,
    }
    text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)
    (given.to / RECORD).write_text(f"{text}\n", encoding="utf-8")
    print(f"exported to {given.to}: equal, the largest difference is {figures['greatest_difference']:.2g}")  # noqa: T201


def _runner(graph: bytes, outputs: tuple[str, ...]) -> Any:
    import onnxruntime

    from modelet.backends.onnx import session_options

    session = onnxruntime.InferenceSession(graph, session_options(), providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(list(outputs), feeds)


if __name__ == "__main__":
    main()
