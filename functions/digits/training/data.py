"""Scikit-learn's digits as pictures of 28 × 28 pixels: `python -m training.data FOLDER` writes them as arrays.

Each picture is written as a PNG file and decoded as the function does it, so that the network sees what it is served.
"""

import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from modelet.backends.images import decoded

SIZE = (28, 28)
HELD_OUT, SEED = 0.25, 7


def png(values: NDArray[np.float64]) -> bytes:
    """Return one of the digits, 8 × 8 numbers from 0 to 16, as a PNG file: light on dark."""
    file = io.BytesIO()
    Image.fromarray((values.reshape(8, 8) * (255 / 16)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def pictures(*, held_out: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return pictures of shape (rows, 1, 28, 28) with values from 0 to 255, and their digits."""
    data, digits = load_digits(return_X_y=True)
    parts = train_test_split(data, digits, test_size=HELD_OUT, random_state=SEED, stratify=digits)
    values, labels = (parts[1], parts[3]) if held_out else (parts[0], parts[2])
    images = np.stack([decoded(png(each), SIZE) for each in values])
    return images[:, np.newaxis].astype(np.float32), labels.astype(np.int64)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = pictures(held_out=False)
    np.savez(folder / "train.npz", image=images, digit=labels)
    held_out, _ = pictures(held_out=True)
    np.savez(folder / "examples.npz", image=held_out)
