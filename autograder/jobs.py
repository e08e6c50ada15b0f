"""What is graded and what came of it, as plain data that can cross to another machine."""

import hashlib
import json
from dataclasses import dataclass, field

from autograder.inside.wire import WireError, decode, encode


@dataclass(frozen=True)
class Limits:
    """What one notebook may use; sizes in bytes, times in seconds."""

    cell_s: float = 60.0
    case_s: float = 10.0
    notebook_s: float = 600.0
    memory: int = 2 * 2**30
    disk: int = 256 * 2**20
    files: int = 10_000
    processes: int = 256
    output: int = 2 * 2**20


@dataclass(frozen=True)
class Step:
    """A code cell to run. `index` is its place in the notebook; `question` the judged question."""

    index: int
    source: str
    question: str = ""


@dataclass(frozen=True)
class Job:
    """One notebook to run. `inputs` maps a question to the hidden inputs of its cases, in order.

    `warm` names the warm process that suits it, `probes` is the source of the assignment's probes,
    `inputs` maps a question to the hidden inputs of its cases, and `files` lie beside the notebook.
    """

    student: str
    assignment: str
    notebook: str
    warm: str
    steps: tuple[Step, ...]
    probes: str = ""
    inputs: dict[str, list[dict]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    limits: Limits = Limits()

    def address(self, environment: str, seed: int) -> str:
        """Name of this job by its content: the same work in the same place has the same name.

        Whose work it is does not count. `environment` names everything else that has a say:
        versions, confinement, the grader itself.
        """
        fields = _fields(self)
        del fields["student"]
        whole = [environment, seed, sorted(encode(fields)["items"])]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        return json.dumps(
            encode({name: _plain(value) for name, value in vars(self).items()})
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Job":
        """Raises ValueError for bytes that are not a job."""
        try:
            content = decode(json.loads(data))
            steps = tuple(Step(**step) for step in content["steps"])
            return cls(**content | {"steps": steps, "limits": Limits(**content["limits"])})
        except (KeyError, TypeError, AttributeError, RecursionError, WireError) as error:
            raise ValueError("this is not a job") from error


def _fields(job: Job) -> dict:
    return {name: _plain(value) for name, value in vars(job).items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [vars(item) for item in value]
    return vars(value) if isinstance(value, Limits) else value


@dataclass(frozen=True)
class Result:
    """What running a job gave. Outputs, `ended`, outcomes and files were chosen by student code.

    `outputs` maps a step's index to nbformat outputs and `ended` says whether it ran to its end;
    `outcomes` maps a question to one outcome for each case (see autograder.judge), None where none
    came. `stopped` maps "INDEX" of a step or "QUESTION NUMBER" of a case to why it was stopped.
    `own_cpu_s` is what the student's own cells and functions took, `cpu_s` all of it; both and
    `seconds` are in seconds, `memory` in bytes.
    """

    outputs: dict[int, list[dict]]
    ended: dict[int, bool]
    outcomes: dict[str, list[dict | None]]
    files: dict[str, bytes]
    stopped: dict[str, str]
    tier: str
    seconds: float
    cpu_s: float
    own_cpu_s: float
    memory: int

    def to_bytes(self) -> bytes:
        content = {name: _string_keys(value) for name, value in vars(self).items()}
        return json.dumps(encode(content)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Result":
        """Raises ValueError for bytes that are not a result."""
        try:
            content = decode(json.loads(data))
            numbered = {n: {int(i): v for i, v in content[n].items()} for n in ("outputs", "ended")}
            return cls(**content | numbered)
        except (KeyError, TypeError, AttributeError, RecursionError, WireError) as error:
            raise ValueError("this is not a result") from error


def _string_keys(value: object) -> object:
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value
