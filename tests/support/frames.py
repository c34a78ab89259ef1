"""A frame of people: numbers, counts, words, flags, and ages that are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd


def people() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": chance.normal(40, 10, 200),
            "visits": chance.integers(0, 9, 200),
            "city": chance.choice(["서울", "부산", "paris"], 200),
            "member": chance.random(200) < 0.5,
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame
