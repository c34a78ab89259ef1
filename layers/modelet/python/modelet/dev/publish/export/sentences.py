"""What sentence-transformers does after a transformer: it is refused if a function would not do the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.publish.export.settings import read_object, read_objects
from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

MODULES, POOLING, TRANSFORMER = "modules.json", "1_Pooling", "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
SERVED = ("Transformer", "Pooling", "Normalize")
MODE = "pooling_mode"
MEAN = {"mean", "mean_tokens"}


def check_sentences(folder: Path) -> None:
    """Raise PublishError if a folder's vectors are not the mean of the tokens' vectors of its transformer."""
    steps = {_kind(each): each for each in read_objects(_root(folder) / MODULES)}
    if other := [kind for kind in steps if kind not in SERVED]:
        raise PublishError(
            f"{MODULES} has a module {other[0]}, which is not served: train a model of {', '.join(SERVED)} only"
        )
    if steps and "Pooling" not in steps:
        raise PublishError(f"{MODULES} has no module Pooling: train a model with the pooling mean")
    place = _root(folder) / str(steps.get("Pooling", {}).get("path", POOLING)) / "config.json"
    modes = _modes(read_object(place))
    if not modes <= MEAN:
        raise PublishError(
            f"{place.parent.name}/{place.name} has the pooling {' and '.join(sorted(modes))}, but a function takes the "
            "mean of all tokens: train a model with the pooling mean"
        )
    _check_texts(folder)


def sentence_length(folder: Path) -> int | None:
    """Return the most tokens of a window that sentence-transformers was told; None if it was told none."""
    found = read_object(folder / TRANSFORMER).get("max_seq_length")
    return found if type(found) is int else None


def _check_texts(folder: Path) -> None:
    """Raise PublishError if a text is changed before it reaches the tokenizer."""
    if read_object(folder / TRANSFORMER).get("do_lower_case"):
        raise PublishError(
            f"{TRANSFORMER} has do_lower_case, which is not done before the tokenizer: save a tokenizer.json that "
            "makes letters small, and set do_lower_case to false"
        )
    told = read_object(_root(folder) / PROMPTS)
    name = told.get("default_prompt_name")
    if name is not None and (told.get("prompts") or {}).get(name):
        raise PublishError(
            f"{PROMPTS} has the default prompt {name}, which is not added to texts: set default_prompt_name to null "
            "there, and send texts that begin with the prompt"
        )


def _root(folder: Path) -> Path:
    """Return the folder with the list of modules: the transformer may be in a folder of its own below it."""
    above = folder.resolve().parent
    named = [each.get("path") for each in read_objects(above / MODULES)] if above != folder else []
    return above if folder.resolve().name in named else folder


def _kind(module: dict[str, Any]) -> str:
    return str(module.get("type")).rpartition(".")[2]


def _modes(config: dict[str, Any]) -> set[str]:
    """Return the names of the poolings, in the spelling of the file; a file that names none means the mean."""
    given = config.get(MODE)
    if given is not None:
        return {given} if isinstance(given, str) else set(given)
    flags = {name.removeprefix(f"{MODE}_"): value for name, value in config.items() if name.startswith(f"{MODE}_")}
    modes = {name for name, value in flags.items() if value}
    return modes or ({"none"} if "mean_tokens" in flags else set())
