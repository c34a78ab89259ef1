"""Train a small BERT on generated sentences, and save it as a Hugging Face folder: `python -m training.fit FOLDER`.

`make export-ner` runs this with torch and transformers in an environment of their own, and then exports the folder. The
vocabulary is the tokenizer's special tokens, ASCII, and the 2,350 syllables of KS X 1001, each also as a continuation,
so that an entity never shares a token with the particle after it.
"""

import json
import random
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification

from training.corpus import LABELS, Example, generate, label_tokens

SEED = 2026
SENTENCES, EPOCHS, BATCH, RATE = 16_000, 9, 32, 2e-3
LONGEST = 128
NAMES, SUFFIXED = ("PER", "LOC", "ORG", "POH"), ("LOC", "ORG", "POH")
NAMES_CHANGED, OTHERS_CHANGED = 0.3, 0.03
SIGNS = ("👋", "😀", "漢字", "-", "*", "...", "[", "1.", "Hello", "ㅋㅋ")
SIGNED, JOINED = 0.1, 0.3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = "".join(map(chr, range(33, 127)))
OTHERS = "₩€£¥·…\u2018\u2019“”\u2013\u2014「」《》〈〉、。ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣ℃㎞㎏"


def syllables() -> list[str]:
    """Return the 2,350 syllables of KS X 1001, in its order."""
    rows = (bytes([row, cell]) for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF))
    return [code.decode("euc_kr") for code in rows]


def new_tokenizer() -> Tokenizer:
    """Return a WordPiece tokenizer that keeps capitals and composed syllables."""
    pieces = [*CHARACTERS, *OTHERS, *syllables()]
    vocabulary = {piece: place for place, piece in enumerate([*SPECIAL, *pieces, *(f"##{piece}" for piece in pieces)])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(piece, vocabulary[piece]) for piece in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.BertProcessing(ends[1], ends[0])
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def varied(example: Example, draw: random.Random, others: list[str]) -> Example:
    """Return the example with other syllables in some of its words.

    Of names (people, places, organisations, works) three in ten get only new syllables, so that the model learns them
    from what is around them; other words get one now and then.
    """
    text, named = list(example.sentence), [False] * len(example.sentence)
    for start, end, kind in example.entities:
        named[start:end] = [True] * (end - start)
        if kind in NAMES and draw.random() < NAMES_CHANGED:
            last = end - 1 if kind in SUFFIXED else end
            text[start:last] = [draw.choice(others) if "가" <= each <= "힣" else each for each in text[start:last]]
    for place, each in enumerate(text):
        if not named[place] and "가" <= each <= "힣" and draw.random() < OTHERS_CHANGED:
            text[place] = draw.choice(others)
    return Example("".join(text), example.entities)


def joined(examples: list[Example], draw: random.Random) -> list[Example]:
    """Return the examples, some with a sign before them, and some joined, so that every position has been seen."""
    made: list[Example] = []
    for example in examples:
        sign = f"{draw.choice(SIGNS)} " if draw.random() < SIGNED else ""
        if made and draw.random() < JOINED and len(made[-1].sentence) + len(example.sentence) < LONGEST - 8:
            before = made.pop()
            text = f"{before.sentence} {sign}"
        else:
            before, text = Example("", []), sign
        later = [(len(text) + start, len(text) + end, kind) for start, end, kind in example.entities]
        made.append(Example(text + example.sentence, before.entities + later))
    return made


def batches(examples: list[Example], tokenizer: Tokenizer, draw: random.Random) -> list[dict[str, torch.Tensor]]:
    """Return the examples in batches of similar length, in a random order."""
    encoded = []
    for example in examples:
        found = tokenizer.encode(example.sentence)
        labels = [LABELS.index(label) for label in label_tokens(found.offsets[1:-1], example.entities)]
        encoded.append((found.ids[:LONGEST], [-100, *labels, -100][:LONGEST]))
    encoded.sort(key=lambda pair: (len(pair[0]), draw.random()))
    made = []
    for start in range(0, len(encoded), BATCH):
        part = encoded[start : start + BATCH]
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids, _ in part], batch_first=True)
        labels = torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for _, each in part], True, -100)
        made.append({"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels})
    draw.shuffle(made)
    return made


def fit(folder: Path) -> None:
    """Train and save the model."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    draw, tokenizer, others = random.Random(SEED), new_tokenizer(), syllables()  # noqa: S311
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=384,
        max_position_embeddings=LONGEST,
        type_vocab_size=2,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: place for place, label in enumerate(LABELS)},
        pad_token_id=0,
    )
    model = BertForTokenClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    examples = generate(SENTENCES, SEED)
    planned = []
    for _ in range(EPOCHS):
        sentences = joined([varied(example, draw, others) for example in examples], draw)
        planned += batches(sentences, tokenizer, draw)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(planned), pct_start=0.1)
    model.train()
    for step, batch in enumerate(planned, start=1):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step} of {len(planned)}: loss {loss.item():.4f}", flush=True)  # noqa: T201
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizerFast", "model_max_length": LONGEST, "do_lower_case": False})
    )


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
