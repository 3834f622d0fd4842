"""Scenarios by name. Each measures one pair (or one value) and says what its figures must reach."""
import dataclasses
import math
from collections.abc import Callable


@dataclasses.dataclass
class Figure:
    """One number of a scenario. `best` says in which direction it is good."""

    what: str
    bar: float | None = None
    moonshot: float | None = None
    best: str = "low"
    unit: str = "ratio"

    def holds(self, value, goal):
        if goal is None or value is None or math.isnan(value):
            return None
        return value <= goal if self.best == "low" else value >= goal


@dataclasses.dataclass
class Scenario:
    name: str
    what: str
    figures: dict[str, Figure]
    measure: Callable  # (Lab) -> {figure: number}, one pair
    pairs: int = 7
    command: str = ""


REGISTRY: dict[str, Scenario] = {}


def scenario(name, what, figures, pairs=7):
    """Registers the decorated function as the scenario's pair."""

    def register(measure):
        REGISTRY[name] = Scenario(name, what, figures, measure, pairs)
        return measure

    return register
