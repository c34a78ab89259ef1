"""Cold start of the sample ner to its first answer: beside the floor with the same session, and a naive function.

`python -m benchmarks.texts` prints a table, and JSON with --json. The naive function runs in the environment of
`make export`, with the folder that `make export-ner` trains; --no-naive leaves it out. Ratios are of medians in a run.
"""

from __future__ import annotations

from benchmarks.exported import Sample, main_of

main = main_of(
    Sample(
        benchmark="texts",
        name="ner",
        habits="text_subjects",
        floor="floor: numpy + onnxruntime + tokenizers",
        naive="boto3 + transformers + torch",
        files={f"ner/{name}": f"bert/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")},
        event="infer.json",
        is_right=lambda body: len(body.get("result", ())) >= 10,
        variables={"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"},
    )
)

if __name__ == "__main__":
    main()
