"""Make an ONNX graph of a module: torch.export for modules and programs, the older exporter for TorchScript."""

from __future__ import annotations

import io
import logging
import warnings
from typing import TYPE_CHECKING, Any

import onnx
import torch

from modelet.dev.publish.export.graph import OPSET, plain
from modelet.dev.publish.export.modules.flat import tensors
from modelet.dev.publish.export.modules.places import refusal
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from modelet.dev.publish.export.modules.subject import Subject


def graph_of(subject: Subject) -> bytes:
    """Return the graph. Raises ConversionError that names the line of the author's code."""
    given = tensors(subject.sample())
    logging.getLogger("torch").setLevel(logging.CRITICAL)  # the error has what it would say
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = _traced(subject, given) if subject.opened.kind == "script" else _exported(subject, given)
        return plain(made)
    except ModeletError:
        raise
    except Exception as error:  # torch raises many kinds
        raise refusal(error) from error


def _exported(subject: Subject, given: tuple[Any, ...]) -> Any:
    """Return the graph of a module, of which torch.export refuses branches that depend on data."""
    if subject.opened.program is not None:
        program = subject.opened.program
    else:
        names = {name for axes in subject.sizes.values() for name in axes.values()}
        sizes = {name: torch.export.Dim(name) for name in names}
        axes = tuple({axis: sizes[name] for axis, name in each.items()} for each in subject.sizes.values())
        program = torch.export.export(subject.exported, given, dynamic_shapes=(axes,), strict=False)
    made = torch.onnx.export(
        program,
        dynamo=True,
        external_data=False,
        opset_version=OPSET,
        input_names=list(subject.inputs),
        output_names=list(subject.outputs),
        verbose=False,
    )
    return made.model_proto


def _traced(subject: Subject, given: tuple[Any, ...]) -> Any:
    """Return the graph of TorchScript, whose own branches and loops it keeps."""
    buffer = io.BytesIO()
    torch.onnx.export(
        torch.jit.trace(subject.exported, given, check_trace=False),  # the script itself is not traced, but called
        given,
        buffer,
        dynamo=False,
        opset_version=OPSET,
        input_names=list(subject.inputs),
        output_names=list(subject.outputs),
        dynamic_axes={
            **{name: dict(axes) for name, axes in subject.sizes.items()},
            **{name: {0: "batch"} for name in subject.outputs},
        },
    )
    return onnx.load_from_string(buffer.getvalue())
