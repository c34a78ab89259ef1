"""Say in one line why torch does not export a module, with the line of the author's code."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

TORCH = Path(torch.__file__).resolve().parent
OURS = Path(__file__).resolve().parents[4]
DEPENDENT = ("data-dependent", "unbacked", "GuardOnDataDependentSymNode")
MISSING = re.compile(r"No ONNX function found for <OpOverload\(op='([^']+)'")
UNSUPPORTED = re.compile(r"Exporting the operator '([^']+)'")
VIOLATED = re.compile(r"^ *- (.+)$", re.MULTILINE)
REMEDY = (
    "choose values with torch.where(condition, a, b), or a branch with torch.cond(condition, f, g, operands), so that "
    "the graph has both branches"
)


def refusal(error: Exception) -> ConversionError:
    """Return the error for a module that torch cannot export: the line in the author's code, and the remedy."""
    said = " ".join(str(each) for each in _chain(error))
    where = place(error)
    if any(word in said or word in type(each).__name__ for each in _chain(error) for word in DEPENDENT):
        return ConversionError(
            f"{where}depends on the values of the input, and a graph would keep one branch: {REMEDY}"
        )
    if operators := MISSING.findall(said) or UNSUPPORTED.findall(said):
        return ConversionError(
            f"{where}uses {operators[0]}, which ONNX does not have here: write it with other operators of torch"
        )
    if "Constraints violated" in said and (found := VIOLATED.findall(said)):
        return ConversionError(
            f"the module works only for some sizes of its input ({_short(found[0])}): remove the condition on "
            "the size, or give examples that all have one size in that dimension"
        )
    return ConversionError(f"{where}cannot be exported ({type(error).__name__}: {_short(_first(error))})")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def place(error: BaseException | None) -> str:
    """Return the innermost line of the author's code in a traceback, or "the module" if there is none."""
    for each in _chain(error):
        frames = [
            frame
            for frame in traceback.extract_tb(each.__traceback__)
            if Path(frame.filename).is_file() and not {TORCH, OURS} & set(Path(frame.filename).resolve().parents)
        ]
        if frames and (line := frames[-1].line):
            last = frames[-1]
            return f"{Path(last.filename).name}, line {last.lineno}, in {last.name}: `{line[:100]}` "
    return "the module "


def _first(error: Exception) -> str:
    """Return the first line that says something."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]}…"
