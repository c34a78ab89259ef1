"""Modules of torch as authors write them; the tests copy this file into a function's folder as net.py."""

# mypy: ignore-errors

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional


class Pair(NamedTuple):
    mean: Any
    top: Any


class Tab(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.drop = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.drop(torch.relu(self.norm(self.first(x)))))


class Branch(Tab):
    def forward(self, x):
        if x.sum() > 0:
            return self.first(x)
        return -self.first(x)


class Sized(Tab):
    def forward(self, x):
        return self.first(x) * 2 if x.shape[0] == 1 else self.first(x)


class Where(Tab):
    def forward(self, x):
        return torch.where(x.sum(1, keepdim=True) > 0, self.first(x), -self.first(x))


class Mixed(Tab):
    def forward(self, x):
        return self.first(x - x.mean(0))


class Chance(Tab):
    def forward(self, x):
        return functional.dropout(self.first(x))


class Counting(Tab):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        self.seen += 1
        return self.first(x) + self.seen


class Nothing(Tab):
    def forward(self, x):
        return {"scores": self.first(x), "name": "net"}


class Summed(Tab):
    def forward(self, x):
        return self.first(x).sum()


class Unknown(Tab):
    def forward(self, x):
        return torch.linalg.eigvals(x[:, :, None] * x[:, None, :]).real


class Sequence(nn.Module):
    """Several inputs of several types, and several outputs."""

    def __init__(self):
        super().__init__()
        self.words, self.last = nn.Embedding(20, 8), nn.Linear(8, 2)

    def forward(self, tokens, mask, scale, more=None):  # noqa: ARG002 - a graph has the inputs that the examples have
        seen = self.words(tokens) * mask[..., None]
        scores = self.last(seen.sum(1)) * scale[:, None]
        return {"label": scores.argmax(1), "pair": Pair(seen.mean(2), scores.max(1).values)}


class Long(nn.Module):
    """Works only for sequences of six or more."""

    def forward(self, x):
        return x.sum(1) if x.shape[1] > 5 else x.mean(1)


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor):
        found = x
        for _ in range(x.size(1)):
            if found.dim() == 2:
                found = torch.tanh(self.layer(found))
        return found


class ScriptedBranch(Scripted):
    def forward(self, x: torch.Tensor):
        found = self.layer(x)
        if bool(x.sum() > 0):
            found = found * 2
        return found


class ScriptedSign(Scripted):
    """A branch of each row: TorchScript keeps it as a loop with a condition."""

    def forward(self, x: torch.Tensor):
        rows = []
        for row in x:
            if bool(row.sum() > 0):
                rows.append(self.layer(row))
            else:
                rows.append(row - 1)
        return torch.stack(rows)
