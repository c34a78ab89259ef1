"""Publish the exported model in `model/`: `modelet publish ner` calls `train`, which needs no torch.

`make export-ner` trains it again (training/fit.py) and exports it. The figures of a version are measured when it is
published, on generated sentences with names that no training sentence has.
"""

from pathlib import Path

from training.corpus import generate

from modelet.publishing import Exported

FOLDER = Path(__file__).parent
HELD_OUT, SEED = 1_000, 7


def train() -> Exported:
    """Return the exported model, with held-out sentences and their entities."""
    examples = [
        {
            "sentence": sentence,
            "entities": [{"start": start, "end": end, "tag": kind} for start, end, kind in entities],
        }
        for sentence, entities in generate(HELD_OUT, SEED, held_out=True)
    ]
    return Exported(folder=FOLDER / "model", examples=examples, info={"languages": ["ko"], "corpus": "generated"})
