"""Open a file of torch: a module that was saved whole, weights for a module.py, TorchScript, or an exported program."""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from modelet.dev.publish.export.modules.pickles import check_imports
from modelet.dev.publish.source.torch_files import torch_kind
from modelet.errors import ModeletError, PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BUILDER = "module"
"""The author's module.py, and the function in it that builds a module for weights."""
STATES = ("state_dict", "model_state_dict")
"""The members of a checkpoint that hold the weights."""
MOST_BYTES = 2_000_000_000
"""An ONNX graph in one file is at most 2 GB."""


@dataclass(frozen=True)
class Opened:
    """A module in evaluation mode. kind: script, program, module or weights. inputs: the names in its forward.

    optional: those that have a default. program: the exported program itself. notes: what the author should know.
    """

    module: Any
    kind: str
    name: str
    inputs: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    program: Any = None
    notes: tuple[str, ...] = field(default=())


def open_module(path: Path, folder: Path) -> Opened:
    """Open a file. folder: the function's, with the classes of a module. Raises PublishError."""
    if path.stat().st_size > MOST_BYTES:
        raise PublishError(f"{path.name} has {path.stat().st_size:,} bytes, but a graph in ONNX has at most 2 GB")
    sys.path.insert(0, str(folder.resolve()))
    kind = torch_kind(path)
    try:
        if kind == "script":
            return _script(path)
        if kind == "program":
            return _program(path)
        if kind == "pickle":
            return _saved(path, folder)
    except ModeletError:
        raise
    except Exception as error:  # torch raises many kinds, and an author's class any
        raise PublishError(
            f"{path.name} cannot be opened by torch {torch.__version__} ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}): save it with this version, or run make export with the version "
            "that saved it (TORCH=torch==…)"
        ) from error
    raise PublishError(
        f"{path.name} was not written by torch.save, torch.jit.save or torch.export.save: give such a file"
    )


def _script(path: Path) -> Opened:
    module = torch.jit.load(path, map_location="cpu")
    arguments = module.forward.schema.arguments[1:]
    strange = [each.name for each in arguments if not isinstance(each.type, torch.TensorType)]
    if strange and not all(each.has_default_value() for each in arguments if each.name in strange):
        raise PublishError(f"the input {strange[0]} of {path.name} is not a tensor: take tensors only")
    names = tuple(each.name for each in arguments if each.name not in strange)
    optional = frozenset(each.name for each in arguments if each.has_default_value())
    notes = _evaluated(module)
    return Opened(module, "script", str(module.original_name), names, optional, notes=notes)


def _program(path: Path) -> Opened:
    program = torch.export.load(path)
    names = tuple(map(str, program.graph_signature.user_inputs))
    return Opened(program.module(), "program", "ExportedProgram", names, program=program)


def _saved(path: Path, folder: Path) -> Opened:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        check_imports(path, folder)
        found = torch.load(path, map_location="cpu", weights_only=False)
        if not isinstance(found, torch.nn.Module):
            raise PublishError(_not_a_module(path, found)) from error
    if isinstance(found, torch.nn.Module):
        return _of_module(found, "module")
    state = next((found[name] for name in STATES if isinstance(found, dict) and name in found), found)
    if not isinstance(state, dict) or not state or not all(isinstance(each, torch.Tensor) for each in state.values()):
        raise PublishError(_not_a_module(path, found))
    return _of_module(_built(path, folder, state), "weights")


def _built(path: Path, folder: Path, state: Mapping[str, Any]) -> Any:
    """Return the module that the author's module.py builds, with these weights. Raises PublishError."""
    place = f"functions/{folder.name}/{BUILDER}.py"
    if not (folder / f"{BUILDER}.py").is_file():
        raise PublishError(
            f"{path.name} has weights only (a state_dict): write {place} with `def {BUILDER}() -> torch.nn.Module`, "
            "which builds the module for them, or save the module whole with torch.save(module, path)"
        )
    build = getattr(importlib.import_module(BUILDER), BUILDER, None)
    module = build() if callable(build) else None
    if not isinstance(module, torch.nn.Module):
        raise PublishError(f"{place}: {BUILDER}() returns {type(module).__name__}: return a torch.nn.Module")
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:300]
        raise PublishError(
            f"the weights in {path.name} are not those of {place} ({said}): build the same module"
        ) from None
    return module


def _of_module(module: Any, kind: str) -> Opened:
    parameters = list(inspect.signature(module.forward).parameters.values())
    named = [each for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    if len(named) < len([each for each in parameters if each.kind is not each.VAR_KEYWORD]):
        raise PublishError(f"{type(module).__name__}.forward has inputs without names: give each a name")
    optional = frozenset(each.name for each in named if each.default is not each.empty)
    notes = _evaluated(module)
    return Opened(module, kind, type(module).__name__, tuple(each.name for each in named), optional, notes=notes)


def _evaluated(module: Any) -> tuple[str, ...]:
    """Set a module to evaluation mode, on the CPU; return a note if it was in training mode."""
    was_training = any(each.training for each in module.modules())
    module.cpu().eval()
    return ("the module was in training mode: it is exported as after .eval()",) if was_training else ()


def _not_a_module(path: Path, found: Any) -> str:
    return (
        f"{path.name} has a {type(found).__name__}, not a torch.nn.Module: save the module with "
        "torch.save(module, path), or its weights with torch.save(module.state_dict(), path)"
    )
