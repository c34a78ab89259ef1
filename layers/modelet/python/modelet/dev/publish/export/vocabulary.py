"""The tokenizer of a folder: its tokenizer.json, or one that is made from the vocab.txt of a BERT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import BertWordPieceTokenizer

from modelet.dev.publish.export.settings import read_object
from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "tokenizer_config.json"
CLASSES = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer")
TYPES = ("bert", "distilbert", "electra")
SPECIAL = {"unk": "[UNK]", "sep": "[SEP]", "cls": "[CLS]", "pad": "[PAD]", "mask": "[MASK]"}
SENTENCE_PIECE = "\u2581"
REMEDY = "save tokenizer.json (AutoTokenizer.from_pretrained, then save_pretrained)"


def tokenizer_of(folder: Path, model_type: str) -> bytes:
    """Return a folder's tokenizer.json. Raises PublishError if there is none, and none can be made from vocab.txt.

    model_type: as in config.json.
    """
    path, vocabulary = folder / "tokenizer.json", folder / "vocab.txt"
    if path.is_file():
        return path.read_bytes()
    if not vocabulary.is_file():
        raise PublishError(f"{folder.name} has neither tokenizer.json nor vocab.txt: save the tokenizer there")
    told = read_object(folder / SETTINGS)
    _check_class(told, model_type)
    pieces = set(vocabulary.read_text(encoding="utf-8").split("\n"))
    if any(piece.startswith(SENTENCE_PIECE) for piece in pieces):
        raise PublishError(f"vocab.txt has pieces of SentencePiece, which BERT's tokenizer does not have: {REMEDY}")
    special = _special(folder, told)
    if missing := [token for name, token in special.items() if token not in pieces and name != "mask"]:
        raise PublishError(f"vocab.txt has no token {missing[0]}: {REMEDY}")
    _check_added(folder, told, set(special.values()))
    made = BertWordPieceTokenizer(
        str(vocabulary),
        lowercase=told.get("do_lower_case", True),
        strip_accents=told.get("strip_accents"),
        handle_chinese_chars=told.get("tokenize_chinese_chars", True),
        **{f"{name}_token": token for name, token in special.items()},
    )
    text: str = made.to_str()
    return text.encode()


def _check_class(told: dict[str, Any], model_type: str) -> None:
    given = told.get("tokenizer_class")
    if given is None and model_type not in TYPES:
        raise PublishError(f"there is a vocab.txt, but a model of type {model_type} may tokenise otherwise: {REMEDY}")
    if given is not None and str(given).removesuffix("Fast") not in CLASSES:
        raise PublishError(f"{SETTINGS} has the tokenizer_class {given}, which cannot be made from vocab.txt: {REMEDY}")
    if told.get("do_basic_tokenize") is False or told.get("never_split"):
        name = "never_split" if told.get("never_split") else "do_basic_tokenize"
        raise PublishError(f"{SETTINGS} has {name}, which cannot be made from vocab.txt: {REMEDY}")


def _special(folder: Path, told: dict[str, Any]) -> dict[str, str]:
    """Return the special tokens by their part: those of the folder, or BERT's."""
    mapped = read_object(folder / "special_tokens_map.json")
    found = {}
    for name, usual in SPECIAL.items():
        key = f"{name}_token"
        found[name] = _content(told.get(key) or mapped.get(key) or usual)
    return found


def _check_added(folder: Path, told: dict[str, Any], special: set[str]) -> None:
    """Raise PublishError if the tokenizer has tokens that were added to the vocabulary."""
    added = {*read_object(folder / "added_tokens.json")}
    added |= {_content(each) for each in (told.get("added_tokens_decoder") or {}).values()}
    if other := sorted(added - special):
        raise PublishError(f"the tokenizer has the added token {other[0]}, which vocab.txt does not tell: {REMEDY}")


def _content(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)
