"""results.json -> the tables of the README, between their marks."""

import re
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
OUTCOMES = {
    "unearned": "unearned points",
    "lost": "earned points lost",
    "leaked": "secret read or other work changed",
    "aborted": "class stopped",
    "hung": "hung",
}


def renew(results: dict, file: Path = README) -> None:
    """Put every table into the README that there are results for."""
    text = file.read_text("utf-8")
    for name, table in TABLES.items():
        if name in results:
            body = "\n".join(table(results[name]))
            marks = f"<!-- {name} -->", f"<!-- /{name} -->"
            pattern = f"{re.escape(marks[0])}.*?{re.escape(marks[1])}"
            text = re.sub(
                pattern, lambda _, b=body, m=marks: f"{m[0]}\n{b}\n{m[1]}", text, flags=re.S
            )
    file.write_text(text, "utf-8")


def _when(part: dict) -> str:
    return f"Measured {part['date']} on {part['cores']} cores, load {part['load_before']} before."


def speed(part: dict) -> Iterator[str]:
    notebooks, stock = part["class"]["notebooks"], part["stock_s"]
    yield f"{_when(part)} A class of {part['class']['students']}, {notebooks} notebooks."
    yield ""
    yield "| grading the class | seconds | stock takes | times the students' own CPU / cores |"
    yield "|---|---|---|---|"
    yield f"| stock `nbgrader autograde` | {stock:.0f} | | |"
    cold = f"{part['cold_s']:.1f} | {part['stock_ratio_cold']:.0f} times as long"
    yield f"| `autograder grade`, from cold | {cold} | |"
    for slots, name in ((1, "one notebook at a time"), (2, "two at a time")):
        ratio = part[f"stock_ratio_warm_{slots}"]
        row = f"warm, {name} | {part[f'warm_{slots}_s']:.1f} | {ratio:.0f} times as long"
        yield f"| {row} | {part[f'overhead_{slots}']:.2f} |"
    yield ""
    shares = part["where_time_goes"].items()
    yield f"Where the cores' time goes, warm, two at a time: {_list(shares)}."
    yield ""
    few, many = (part["scale"][n] for n in ("50", "1000"))
    yield (
        f"At scale: {few['notebooks_per_s']:.1f} notebooks a second with 50 submissions, "
        f"{many['notebooks_per_s']:.1f} with 1,000; the coordinator's memory peaks at "
        f"{few['coordinator_mb']:.0f} and {many['coordinator_mb']:.0f} MB."
    )
    yield ""
    kernels = part["first_result"]
    yield (
        "First result of a new kernel, cold and warm: "
        + "; ".join(
            f"{kind} {k['cold_s']:.1f} s and {k['warm_s']:.2f} s" for kind, k in kernels.items()
        )
        + "."
    )


def _list(shares) -> str:
    return ", ".join(f"{what} {share:.0%}" for what, share in shares)


def doctor(part: dict) -> Iterator[str]:
    tiers = part["tried"]
    promises = [finding["promise"] for finding in tiers["A"]]
    yield f"{_when(part)} Tried in each tier, by `autograder doctor`:"
    yield ""
    yield "| attempt | " + " | ".join(f"tier {name}" for name in tiers) + " |"
    yield "|---" * (len(tiers) + 1) + "|"
    for promise in promises:
        found = {
            name: {f["promise"]: f["held"] for f in tiers[name]}.get(promise) for name in tiers
        }
        words = {True: "holds", False: "does not hold", None: "not tried"}
        yield f"| {promise} | " + " | ".join(words[found[name]] for name in tiers) + " |"


def compare(part: dict) -> Iterator[str]:
    yield f"{_when(part)} {part['cases']} submissions; the number with which each grader failed."
    yield ""
    yield "| family | submissions | " + " | ".join(OUTCOMES.values()) + " |"
    yield "|---" * (len(OUTCOMES) + 2) + "|"
    for family, stock in part["stock"].items():
        ours = part["ours"][family]
        cells = (f"stock {stock[o]}, ours {ours[o]}" for o in OUTCOMES)
        yield f"| {family.replace('_', ' ')} | {stock['submissions']} | " + " | ".join(cells) + " |"


def nbgrader(part: dict) -> Iterator[str]:
    counts = {kind: part.get(kind, 0) for kind in ("passed", "skipped", "failed")}
    yield (
        f"{_when(part)} nbgrader's own tests of autograde, with this engine: "
        f"{counts['passed']} passed, {counts['skipped']} skipped by nbgrader itself, "
        f"{counts['failed']} failed, {len(part['exceptions'])} left out."
    )


TABLES = {"speed": speed, "doctor": doctor, "compare": compare, "nbgrader": nbgrader}
