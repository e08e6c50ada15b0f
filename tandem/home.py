"""The page that opens first: where the learner is, what is next, and every lesson's links."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tandem.course import FRAMEWORKS, questions, root
from tandem.store import Store, StoreError

QUIZ_MINUTES = 15
QUESTION_TITLES = {
    1: "Philosophy: what happens when a line runs?",
    2: "Research: why do new ideas start here or there?",
    3: "Production: compile, export, serve",
    4: "Debugging: how do you find what is wrong?",
    5: "Ecosystem: what comes with it?",
    6: "Choosing",
}


@dataclass(frozen=True)
class Part:
    """A notebook to work through. `states` says, by framework, how far the learner is."""

    title: str
    minutes: int
    links: dict[str, str]
    states: dict[str, str]
    beside: str = ""

    @property
    def next_link(self) -> str | None:
        """Where to go on, or None when one of its notebooks is done."""
        if "done" in self.states.values():
            return None
        begun = [f for f, state in self.states.items() if state != "not opened"]
        return self.links[begun[0]] if begun else next(iter(self.links.values()))


def show_home():
    """The home page, for the notebook to display."""
    from IPython.display import Markdown

    return Markdown(home_markdown(root()))


def home_markdown(course: Path) -> str:
    """The home page in Markdown; its links are relative to `lessons/`."""
    history = _History()
    lines: list[str] = []
    next_line = "**You have done every part that is here so far.**"
    found_next = False
    for question in questions(course):
        parts = list(_parts(course, question, history))
        number = int(question.split("-")[0])
        minutes = sum(part.minutes for part in parts)
        lines += [f"### {number} · {QUESTION_TITLES[number]} ({minutes} minutes)", ""]
        lines += ["| | minutes | PyTorch | TensorFlow | both |", "|---|---|---|---|---|"]
        for part in parts:
            lines.append(_row(part))
            if part.next_link and not found_next:
                found_next = True
                next_line = f"**Next:** [{part.title}]({part.next_link}), {part.minutes} minutes"
        lines.append("")
    return "\n".join([f"{next_line} · {history.last()}", "", *lines])


def _row(part: Part) -> str:
    if len(part.links) == 1:
        (framework, link) = next(iter(part.links.items()))
        return f"| {part.title} | {part.minutes} | | | [open]({link}) {part.states[framework]} |"
    cells = [f"[open]({part.links[f]}) {part.states[f]}" for f in FRAMEWORKS]
    beside = f"[side by side]({part.beside})" if part.beside else ""
    return f"| {part.title} | {part.minutes} | {' | '.join(cells)} | {beside} |"


def _parts(course: Path, question: str, history: "_History") -> Iterator[Part]:
    lessons = course / "lessons" / question
    for _, path in sorted((_notebook(p)["order"], p) for p in lessons.glob("*.pytorch.ipynb")):
        about = _notebook(path)
        name = path.name.removesuffix(".pytorch.ipynb")
        links, states = {}, {}
        for framework in FRAMEWORKS:
            links[framework] = f"{question}/{name}.{framework}.ipynb"
            wanted = _called(course / "lessons" / links[framework], "record")
            states[framework] = history.lesson(about["key"], framework, wanted)
        beside = f"{question}/{name}.jupyterlab-workspace"
        yield Part(f"{about['title']}: {about['summary']}", about["minutes"], links, states, beside)
    if (lessons / "quiz.ipynb").exists():
        state = history.quiz(question, _called(lessons / "quiz.ipynb", "ask"))
        yield Part("Quiz", QUIZ_MINUTES, {"both": f"{question}/quiz.ipynb"}, {"both": state})
    exercise = course / "exercises" / question
    if exercise.is_dir():
        about = _notebook(exercise / "pytorch.ipynb")
        links = {f: f"../exercises/{question}/{f}.ipynb" for f in FRAMEWORKS}
        states = {
            f: history.exercise(about["key"], f, _called(exercise / f"{f}.ipynb", "check"))
            for f in FRAMEWORKS
        }
        yield Part(f"Exercise: {about['summary']}", about["minutes"], links, states)


def _notebook(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["metadata"]["tandem"]


def _called(path: Path, function: str) -> set[str]:
    """First arguments of the calls `tandem.record("x")`, `tandem.check("x")` or `quiz.ask("x")`."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return set(re.findall(rf"(?:tandem|quiz)\.{function}\(\s*[\"']([\w-]+)[\"']", code))


class _History:
    """What the learner's store says about the parts of the course."""

    def __init__(self) -> None:
        try:
            store = Store()
            kinds = ("opened", "measurements", "answers", "checks")
            self.opened, self.measured, self.answers, self.checks = map(store.entries, kinds)
        except StoreError as error:
            print(f"Tandem cannot show your progress: {error}")
            self.opened = self.measured = self.answers = self.checks = []

    def last(self) -> str:
        if not self.opened:
            return "nothing opened yet"
        entry = self.opened[-1]
        day = entry["time"][:10]
        return f"last opened: {entry['lesson']} in {FRAMEWORKS[entry['framework']]}, {day}"

    def lesson(self, key: str, framework: str, wanted: set[str]) -> str:
        def here(entry: dict) -> bool:
            return (entry["lesson"], entry["framework"]) == (key, framework)

        recorded = {entry["name"] for entry in self.measured if here(entry)}
        if wanted and wanted <= recorded:
            return "done"
        return "begun" if recorded or any(map(here, self.opened)) else "not opened"

    def quiz(self, quiz: str, items: set[str]) -> str:
        answered = {entry["item"] for entry in self.answers if entry["quiz"] == quiz} & items
        return _count(len(answered), len(items), "answered")

    def exercise(self, key: str, framework: str, wanted: set[str]) -> str:
        last = {
            entry["question"]: entry["result"]
            for entry in self.checks
            if (entry["lesson"], entry["framework"]) == (key, framework)
        }
        passed = sum(last.get(question) == "passed" for question in wanted)
        return _count(passed, len(wanted), "checks passed")


def _count(number: int, total: int, what: str) -> str:
    if number == total:
        return "done"
    return f"{number} of {total} {what}" if number else "not opened"
