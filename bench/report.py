"""The lines that are printed."""

from dataclasses import dataclass

WIDTH = 58


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `aim` is the most it should be; `why` explains a miss in one clause."""

    name: str
    value: float
    aim: float | None = None
    why: str = ""
    note: str = ""

    def __str__(self) -> str:
        text = f"  {self.name:<{WIDTH}} {self.value:6.2f}"
        if self.aim is not None:
            is_met = round(self.value, 2) <= self.aim
            text += f"   aim {self.aim:4.2f}  " + ("met" if is_met else f"missed: {self.why}")
        return text + (f"   {self.note}" if self.note else "")


def control(*values: float) -> Line:
    """The yardstick against itself, at its worst: as far as from 1 chance may lead any line."""
    return Line("control: the yardstick against itself", max(values, key=lambda v: abs(v - 1)))
