"""What training found about danger, as a part of the desk's model."""

from __future__ import annotations

from dataclasses import dataclass

from router.classify.features import Ints
from router.danger.calibration import DangerCalibration
from router.danger.heads import GroupHead


@dataclass(frozen=True, slots=True)
class DangerModel:
    """The part of the model that judges danger; n-grams and sentence vectors are those of the whole model.

    categories: whose examples are dangers.
    examples: known dangers, to be shown as evidence.  centres: where each stands among the centres of the vectors.
    """

    categories: tuple[str, ...]
    groups: GroupHead
    calibration: DangerCalibration
    examples: tuple[str, ...]
    centres: Ints
