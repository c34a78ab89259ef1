"""The network: two convolutions and one layer."""

import torch
from torch import nn


class Net(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Takes pictures of shape (rows, 1, 28, 28) with values from 0 to 255; returns the probability of each digit."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 7 * 7, 10),
        )  # fmt: skip

    def scores(self, image: torch.Tensor) -> torch.Tensor:
        """Return the logits. A picture is compared with its own mean: dark on light looks like light on dark."""
        values = image / 255
        contrast = values - values.mean(dim=(1, 2, 3), keepdim=True)
        found: torch.Tensor = self.layers(contrast)
        return found

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"probabilities": self.scores(image).softmax(dim=1)}
