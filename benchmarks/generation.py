"""An encoder-decoder of T5-small's size as ONNX: the size of its graphs, its first token and 64 greedy tokens.

`.tools/export/bin/python -m benchmarks.generation`, in the environment of `make export`: nothing is downloaded, and the
weights are random. Times are CPU seconds of one thread, in a fresh process for each precision; the floor is imports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LAYERS, WIDTH, HEADS, INNER, WORDS = 6, 512, 8, 2048, 32_128
SOURCE_TOKENS, TOKENS = 64, 64
PRECISIONS = ("float32", "int8")


def export(folder: Path) -> None:
    """Write the encoder and the decoder to a folder, in both precisions."""
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(vocab_size=WORDS, d_model=WIDTH, d_ff=INNER, num_layers=LAYERS, num_heads=HEADS)
    model = T5ForConditionalGeneration(config).eval()

    class Encoder(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        """The encoder alone."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = model.get_encoder()

        def forward(self, tokens: Any, mask: Any) -> Any:
            """Return the states."""
            return self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state

    class Decoder(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        """The decoder, for the scores of the next token."""

        def __init__(self) -> None:
            super().__init__()
            self.decoder = model.get_decoder()
            self.head = torch.nn.Parameter(model.lm_head.weight.detach().T.clone())

        def forward(self, tokens: Any, states: Any, mask: Any) -> Any:
            """Return the scores."""
            given = {"encoder_hidden_states": states, "encoder_attention_mask": mask, "use_cache": False}
            found = self.decoder(input_ids=tokens, **given).last_hidden_state
            return torch.matmul(found[:, -1] * WIDTH**-0.5, self.head)

    rows, source, target = (torch.export.Dim(name) for name in ("rows", "source", "target"))
    tokens, mask = torch.randint(0, 1_000, (2, 9)), torch.ones(2, 9, dtype=torch.int64)
    states = torch.randn(2, 9, WIDTH)
    parts: dict[str, Any] = {
        "encoder": (Encoder(), (tokens, mask), ({0: rows, 1: source},) * 2),
        "decoder": (Decoder(), (tokens[:, :5], states, mask), ({0: rows, 1: target}, *({0: rows, 1: source},) * 2)),
    }
    for name, (module, given, shapes) in parts.items():
        with torch.no_grad():
            made = torch.onnx.export(
                module.eval(), given, dynamo=True, external_data=False, dynamic_shapes=shapes, verbose=False
            )
        del made.model_proto.graph.value_info[:]
        onnx.save(made.model_proto, folder / f"{name}.float32.onnx")
        quantize_dynamic(folder / f"{name}.float32.onnx", folder / f"{name}.int8.onnx", weight_type=QuantType.QInt8)


def generate(folder: Path, precision: str) -> dict[str, float]:
    """Open the graphs in this process and generate; return the figures."""
    began = time.process_time()
    import numpy as np
    import onnxruntime

    floor = time.process_time()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    names = [str(folder / f"{part}.{precision}.onnx") for part in ("encoder", "decoder")]
    encoder, decoder = (onnxruntime.InferenceSession(name, options) for name in names)
    tokens = np.random.default_rng(0).integers(0, 1_000, (1, SOURCE_TOKENS))
    mask = np.ones_like(tokens)

    def greedy(count: int) -> None:
        inputs = [node.name for node in encoder.get_inputs()]
        [states] = encoder.run(None, dict(zip(inputs, (tokens, mask), strict=True)))
        found, wanted = np.zeros((1, 1), np.int64), [node.name for node in decoder.get_inputs()]
        for _ in range(count):
            [scores] = decoder.run(None, dict(zip(wanted, (found, states, mask), strict=True)))
            found = np.concatenate([found, scores.argmax(axis=-1)[:, np.newaxis]], axis=1)

    greedy(1)
    first = time.process_time()
    greedy(TOKENS)
    last = time.process_time()
    return {
        "graph_mb": sum(Path(name).stat().st_size for name in names) / 1e6,
        "floor_s": floor - began,
        "first_s": first - began,
        "tokens_s": last - first,
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Return the most memory of this process; getrusage would count that of the process that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def main() -> None:
    """Export, and measure each precision in a process of its own."""
    if len(sys.argv) == 3:
        sys.stdout.write(json.dumps(generate(Path(sys.argv[1]), sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder))
        titles = ("precision", "graphs MB", "first token s", "× the imports", "64 tokens s", "peak MB")
        sys.stdout.write(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n")
        for precision in PRECISIONS:
            command = [sys.executable, "-m", "benchmarks.generation", folder, precision]
            done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=True)
            found = json.loads(done.stdout)
            ratio = found["first_s"] / found["floor_s"]
            figures = f"{found['first_s']:.2f} | {ratio:.1f} | {found['tokens_s']:.2f} | {found['peak_mb']:.0f}"
            sys.stdout.write(f"| {precision} | {found['graph_mb']:.0f} | {figures} |\n")


if __name__ == "__main__":
    main()
