"""Clean reviews; training and serving use the same function, so that they cannot differ.

Lower-casing is done here and not in the graph, because onnxruntime would need a locale that slim images lack. Runs of
spaces are collapsed here too, because character n-grams over them differ between scikit-learn and onnxruntime.
"""

import re
import unicodedata

APOSTROPHES = re.compile("['’]")
NOISE = re.compile(r"[^a-z0-9가-힣ㄱ-ㅎㅏ-ㅣ!?❤\U0001f300-\U0001faff]+")
REPEATS = re.compile(r"(.)\1{2,}")


def clean(text: str) -> str:
    """Return a review in lower case, without characters that say nothing about its sentiment.

    It keeps English letters, Hangul, digits, emoji, `!` and `?`. "Don't" becomes "dont", "soooo" becomes "soo",
    "ㅋㅋㅋㅋ" becomes "ㅋㅋ"; all other characters become one space. Text that some keyboards send as single jamo is
    composed first.
    """
    composed = unicodedata.normalize("NFC", text).lower()
    kept = NOISE.sub(" ", APOSTROPHES.sub("", composed))
    return REPEATS.sub(r"\1\1", kept).strip()
