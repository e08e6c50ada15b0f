"""What was handed out: the graded and locked cells of a notebook, as the gradebook keeps them."""

import json
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class SourceCell:
    """One cell of the instructor's version.

    `source` of a solution cell is the stub that students get; of a test cell it is the whole cell,
    hidden tests included.
    """

    name: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float
    checksum: str


@dataclass(frozen=True)
class Release:
    """A notebook of an assignment: `cells` in the order of the notebook, `kernelspec` as JSON."""

    assignment: str
    notebook: str
    cells: tuple[SourceCell, ...]
    kernelspec: str

    @property
    def max_points(self) -> float:
        return sum(cell.points for cell in self.cells if cell.grade or cell.task)

    def digest(self) -> str:
        """Names this version of the notebook."""
        whole = [self.assignment, self.notebook, self.kernelspec, [vars(c) for c in self.cells]]
        return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
