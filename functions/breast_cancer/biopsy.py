"""The contract: pydantic classes, because one of its rules needs Python."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, PositiveInt, model_validator

Measurement = Annotated[float, Field(ge=0, le=10_000)]
"""A measurement in the units of the data set, which come from the image analysis; the largest is an area of 4,254."""

PARTS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)


class Biopsy(BaseModel):
    """One instance: the cell nuclei in the image of a fine needle aspirate of a breast mass.

    Each of ten properties has three fields: its mean over the nuclei, the standard error of that mean, and its "worst",
    the mean of the three largest values. Source: Wolberg, Mangasarian, Street and Street (1995), Breast Cancer
    Wisconsin (Diagnostic), https://doi.org/10.24432/C5DW2B.
    """

    id: PositiveInt

    mean_radius: Measurement
    mean_texture: Measurement
    mean_perimeter: Measurement
    mean_area: Measurement
    mean_smoothness: Measurement
    mean_compactness: Measurement
    mean_concavity: Measurement
    mean_concave_points: Measurement
    mean_symmetry: Measurement
    mean_fractal_dimension: Measurement

    radius_error: Measurement
    texture_error: Measurement
    perimeter_error: Measurement
    area_error: Measurement
    smoothness_error: Measurement
    compactness_error: Measurement
    concavity_error: Measurement
    concave_points_error: Measurement
    symmetry_error: Measurement
    fractal_dimension_error: Measurement

    worst_radius: Measurement
    worst_texture: Measurement
    worst_perimeter: Measurement
    worst_area: Measurement
    worst_smoothness: Measurement
    worst_compactness: Measurement
    worst_concavity: Measurement
    worst_concave_points: Measurement
    worst_symmetry: Measurement
    worst_fractal_dimension: Measurement

    @model_validator(mode="after")
    def _worst_is_no_less_than_mean(self) -> Self:
        """Reject swapped columns: the mean of the largest values cannot be below the mean of all."""
        swapped = [part for part in PARTS if getattr(self, f"worst_{part}") < getattr(self, f"mean_{part}")]
        if swapped:
            raise ValueError(", ".join(f"worst_{part} is below mean_{part}" for part in swapped))
        return self


class Diagnosis(BaseModel):
    """One prediction: the biopsy's id, the more likely diagnosis, and its probability."""

    id: PositiveInt
    diagnosis: Literal["malignant", "benign"]
    probability: Annotated[float, Field(ge=0, le=1)]
