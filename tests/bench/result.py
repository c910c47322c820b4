"""One figure of a benchmark, beside a floor or a peer that was measured in the same run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured. ratio: figure / floor; it is kept while it is below `goal`.

    figure and floor are in `unit`. floor_name: what it is compared with.
    """

    name: str
    figure: float
    unit: str
    floor_name: str
    floor: float
    goal: float

    @property
    def ratio(self) -> float:
        return self.figure / self.floor

    @property
    def kept(self) -> bool:
        return self.ratio <= self.goal

    def __str__(self) -> str:
        said = "kept" if self.kept else "MISSED"
        return (
            f"{self.name}: {self.figure:.2f} {self.unit}, {self.ratio:.3f} of "
            f"{self.floor_name} ({self.floor:.2f} {self.unit}), "
            f"goal {self.goal:.3f}: {said}"
        )
