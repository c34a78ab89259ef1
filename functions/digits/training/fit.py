"""Train the network on the arrays of `training.data`: `python -m training.fit FOLDER` writes model.pt there.

`make export-digits` runs this with torch in an environment of its own, and then exports the module. Each picture is
seen moved, scaled, lighter or darker, and half of them inverted.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from training.net import Net

SEED, EPOCHS, BATCH, RATE = 2026, 40, 64, 3e-3
MOVED, SCALED, TURNED = 0.15, 0.2, 0.15


def varied(images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Return pictures that are moved, scaled and turned a little, of other contrast, and half of them inverted."""
    rows = len(images)

    def some(limit: float) -> torch.Tensor:
        return (torch.rand(rows, generator=draw) * 2 - 1) * limit

    angle, scale = some(TURNED), 1 + some(SCALED)
    places = torch.stack(
        [
            torch.stack([angle.cos() * scale, -angle.sin() * scale, some(MOVED)], dim=1),
            torch.stack([angle.sin() * scale, angle.cos() * scale, some(MOVED)], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(places, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, align_corners=False)
    weak = moved * (0.5 + torch.rand(rows, 1, 1, 1, generator=draw) / 2)
    is_inverted = torch.rand(rows, 1, 1, 1, generator=draw) < 0.5
    return torch.where(is_inverted, 255 - weak, weak)


def main(folder: Path) -> None:
    """Train and save the module."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(SEED)
    with np.load(folder / "train.npz") as arrays:
        images, digits = torch.from_numpy(arrays["image"]), torch.from_numpy(arrays["digit"])
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE)
    steps = EPOCHS * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images), generator=draw).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(net.scores(varied(images[rows], draw)), digits[rows]).backward()
            optimizer.step()
            schedule.step()
    torch.save(net.eval(), folder / "model.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
