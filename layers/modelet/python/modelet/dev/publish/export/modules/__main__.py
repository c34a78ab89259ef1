"""`python -m modelet.dev.publish.export.modules FILE --examples FILE --folder FUNCTION --to FOLDER`."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modelet.digest import digest
from modelet.errors import ModeletError


def main() -> None:
    """Export a module of torch. Exit with 1 and one line on stderr if it cannot be exported."""
    parser = argparse.ArgumentParser(prog="modelet.dev.publish.export.modules", description=main.__doc__)
    parser.add_argument("source", type=Path, help="a file of torch.save, torch.jit.save or torch.export.save")
    parser.add_argument("--examples", type=Path, required=True, help="held-out inputs: .npz, .npy, .json or .csv")
    parser.add_argument("--folder", type=Path, required=True, help="the function's folder, with the module's class")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write")
    given = parser.parse_args()
    try:
        _export(given)
    except ModeletError as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


def _export(given: Any) -> None:
    import onnx
    import onnxruntime
    import torch

    from modelet.backends.onnx import session_options
    from modelet.dev.publish.export.graph import OPSET
    from modelet.dev.publish.export.modules.graph import graph_of
    from modelet.dev.publish.export.modules.opened import open_module
    from modelet.dev.publish.export.modules.parity import check_repeats, compare
    from modelet.dev.publish.export.modules.subject import subject_of
    from modelet.dev.publish.source.exported import GRAPH_FILE, RECORD
    from modelet.dev.publish.source.tensors import read_fields

    torch.set_num_threads(1)
    opened = open_module(given.source, given.folder)
    subject = subject_of(opened, read_fields(given.examples))
    check_repeats(subject)
    graph = graph_of(subject)
    session = onnxruntime.InferenceSession(graph, session_options(), providers=["CPUExecutionProvider"])
    figures = compare(subject, lambda feeds: session.run(list(subject.outputs), feeds))
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / GRAPH_FILE).write_bytes(graph)
    record = {
        "kind": opened.kind,
        "class": opened.name,
        "source": given.source.name,
        "inputs": list(subject.inputs),
        "outputs": list(subject.outputs),
        "notes": list(subject.notes),
        "libraries": {name: version(name) for name in ("onnx", "onnxruntime", "onnxscript", "torch")},
        "operators": len(onnx.load_from_string(graph).graph.node),
        "opset": OPSET,
        "graph_sha256": digest(graph),
        "parity": figures,
    }
    text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)
    (given.to / RECORD).write_text(f"{text}\n", encoding="utf-8")
    for note in subject.notes:
        print(f"note: {note}")  # noqa: T201
    print(f"exported to {given.to}: equal, the largest difference is {figures['greatest_difference']:.2g}")  # noqa: T201


if __name__ == "__main__":
    main()
