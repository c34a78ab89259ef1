"""Cold start of the sample digits to its first answer, and the time of an image, beside the floor and a naive function.

`python -m benchmarks.images_served` prints a table, and JSON with --json. The naive function runs in the environment of
`make export`, with the module that `make export-digits` trains; --no-naive leaves it out. Ratios are of medians in one
run; a warm request is one PNG of 8 × 8 pixels as the body.
"""

from __future__ import annotations

from benchmarks.exported import Sample, main_of

main = main_of(
    Sample(
        benchmark="images_served",
        name="digits",
        habits="image_subjects",
        floor="floor: numpy + onnxruntime + Pillow",
        naive="boto3 + torch + Pillow",
        files={"digits/model.pt": "net/model.pt"},
        event="infer_file.json",
        is_right=lambda body: body.get("digit") == 7,
    )
)

if __name__ == "__main__":
    main()
