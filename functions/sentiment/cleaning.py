"""How a review is cleaned: once here, for training and for serving alike, so that the two cannot drift apart.

Lower-casing is done here and not in the graph, where onnxruntime would need a locale that slim images lack. Runs of
spaces are collapsed here too: character n-grams over them differ between scikit-learn and onnxruntime.
"""

import re
import unicodedata

APOSTROPHES = re.compile("['’]")
NOISE = re.compile(r"[^a-z0-9가-힣ㄱ-ㅎㅏ-ㅣ!?❤\U0001f300-\U0001faff]+")
REPEATS = re.compile(r"(.)\1{2,}")


def clean(text: str) -> str:
    """A review in lower case, with what says nothing about its mood taken out.

    Kept: English letters, Hangul, digits, emoji, `!` and `?`. "Don't" becomes "dont", "soooo" becomes "soo", "ㅋㅋㅋㅋ"
    becomes "ㅋㅋ"; all else becomes one space. Text that some keyboards send as single jamo is composed first.
    """
    composed = unicodedata.normalize("NFC", text).lower()
    kept = NOISE.sub(" ", APOSTROPHES.sub("", composed))
    return REPEATS.sub(r"\1\1", kept).strip()
