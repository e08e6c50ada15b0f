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


SIDE_BY_SIDE = "side\N{NO-BREAK SPACE}by\N{NO-BREAK SPACE}side"  # one line in a narrow column
NEW, BEGUN, DONE = "new", "begun", "done"


@dataclass(frozen=True)
class Part:
    """A notebook to work through. `states` says, by framework, how far the learner is."""

    key: str
    title: str
    summary: str
    minutes: int
    links: dict[str, str]
    states: dict[str, str]
    beside: str = ""

    @property
    def done(self) -> bool:
        """One framework is enough."""
        return DONE in self.states.values()


def show_home():
    """The home page, for the notebook to display."""
    from IPython.display import Markdown

    return Markdown(home_markdown(root()))


def home_markdown(course: Path) -> str:
    """The home page in Markdown; its links are relative to `lessons/`."""
    history = History()
    by_question = {q: list(parts(course, q, history)) for q in questions(course)}
    every = [part for of_question in by_question.values() for part in of_question]
    last = history.last({part.key: part.title for part in every})
    more = "[all that is recorded](progress.ipynb)"
    lines = [*next_part(every), "", f"{_progress(every)} · {last} · {more}", ""]
    for question, of_question in by_question.items():
        number = number_of(question)
        minutes = sum(part.minutes for part in of_question)
        lines += [f"### {number} · {QUESTION_TITLES[number]} ({minutes} minutes)", ""]
        lines += ["| part | minutes | PyTorch | TensorFlow | both |", "|:---|---:|:---|:---|:---|"]
        lines += [*map(_row, of_question), ""]
    return "\n".join(lines)


def next_part(every: list[Part]) -> list[str]:
    """What to do next, as a heading and its links."""
    part = next((part for part in every if not part.done), None)
    if part is None:
        return ["## You have done every part that is here so far"]
    begun = [f for f, state in part.states.items() if state != NEW and f in FRAMEWORKS]
    if begun:
        ways = [f"[go on in {FRAMEWORKS[f]}]({part.links[f]})" for f in begun]
    else:
        ways = [f"[{_open_in(f)}]({link})" for f, link in part.links.items()]
    if part.beside:
        ways.append(f"[open both side by side]({part.beside})")
    return [f"## Next: {part.title} ({part.minutes} minutes)", "", " · ".join(ways)]


def _open_in(framework: str) -> str:
    return f"open in {FRAMEWORKS[framework]}" if framework in FRAMEWORKS else "open"


def _progress(every: list[Part]) -> str:
    left = [part.minutes for part in every if not part.done]
    progress = f"Done: {len(every) - len(left)} of {len(every)} parts"
    return f"{progress} · about {sum(left)} minutes to go" if left else progress


def _row(part: Part) -> str:
    name = f"**{part.title}**: {part.summary}" if part.summary else f"**{part.title}**"
    opened = {f: _open(part.links[f], part.states[f]) for f in part.links}
    both = opened.get("both") or (f"[{SIDE_BY_SIDE}]({part.beside})" if part.beside else "")
    cells = [opened.get(f, "") for f in FRAMEWORKS]
    return f"| {name} | {part.minutes} | {' | '.join([*cells, both])} |"


def _open(link: str, state: str) -> str:
    if state == NEW:
        return f"[start]({link})"
    if state == DONE:
        return f"[open]({link}), done"
    return f"[go on]({link})" + ("" if state == BEGUN else f", {state}")


def parts(course: Path, question: str, history: "History") -> Iterator[Part]:
    """The parts of a question in teaching order."""
    lessons, number = course / "lessons" / question, number_of(question)
    for _, path in sorted((_notebook(p)["order"], p) for p in lessons.glob("*.pytorch.ipynb")):
        about = _notebook(path)
        name = path.name.removesuffix(".pytorch.ipynb")
        links, states = {}, {}
        for framework in FRAMEWORKS:
            links[framework] = f"{question}/{name}.{framework}.ipynb"
            wanted = _called(course / "lessons" / links[framework], "record")
            states[framework] = history.lesson(about["key"], framework, wanted)
        beside = f"{question}/{name}.jupyterlab-workspace"
        head = [about[field] for field in ("key", "title", "summary", "minutes")]
        yield Part(*head, links, states, beside)
    if (lessons / "quiz.ipynb").exists():
        states = {"both": history.quiz(question, _called(lessons / "quiz.ipynb", "ask"))}
        links = {"both": f"{question}/quiz.ipynb"}
        yield Part(
            f"{question}/quiz", f"Quiz of question {number}", "", QUIZ_MINUTES, links, states
        )
    exercise = course / "exercises" / question
    if exercise.is_dir():
        about = _notebook(exercise / "pytorch.ipynb")
        links = {f: f"../exercises/{question}/{f}.ipynb" for f in FRAMEWORKS}
        states = {
            f: history.exercise(about["key"], f, _called(exercise / f"{f}.ipynb", "check"))
            for f in FRAMEWORKS
        }
        title = f"Exercise of question {number}"
        yield Part(about["key"], title, about["summary"], about["minutes"], links, states)
    if (exercise / "quiz.ipynb").exists():
        states = {"both": history.graded(question, _called(exercise / "quiz.ipynb", "ask"))}
        links = {"both": f"../exercises/{question}/quiz.ipynb"}
        title = f"Graded quiz of question {number}"
        about = "for a class; it is marked after you have handed it in"
        yield Part(f"{question}/graded", title, about, QUIZ_MINUTES, links, states)


def number_of(question: str) -> int:
    """`1-philosophy` -> 1."""
    return int(question.split("-")[0])


def _notebook(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["metadata"]["tandem"]


def _called(path: Path, function: str) -> set[str]:
    """First arguments of the calls `tandem.record("x")`, `tandem.check("x")` or `quiz.ask("x")`."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return set(re.findall(rf"(?:tandem|quiz)\.{function}\(\s*[\"']([\w-]+)[\"']", code))


class History:
    """What the learner's store says about the parts of the course."""

    def __init__(self) -> None:
        try:
            store = Store()
            kinds = ("opened", "measurements", "answers", "checks", "graded")
            found = map(store.entries, kinds)
            self.opened, self.measured, self.answers, self.checks, self.kept = found
        except StoreError as error:
            print(f"Tandem cannot show your progress: {error}")
            self.opened = self.measured = self.answers = self.checks = self.kept = []

    def last(self, titles: dict[str, str]) -> str:
        if not self.opened:
            return "nothing opened yet"
        entry = self.opened[-1]
        day = entry["time"][:10]
        title = titles.get(entry["lesson"], entry["lesson"])
        return f"last opened: {title} in {FRAMEWORKS[entry['framework']]}, {day}"

    def lesson(self, key: str, framework: str, wanted: set[str]) -> str:
        recorded = {e["name"] for e in self.measured if _of(e, key, framework)}
        if wanted and wanted <= recorded:
            return DONE
        return BEGUN if recorded or self._was_opened(key, framework) else NEW

    def quiz(self, quiz: str, items: set[str]) -> str:
        return self._answered(self.answers, quiz, items)

    def graded(self, quiz: str, items: set[str]) -> str:
        return self._answered(self.kept, quiz, items)

    @staticmethod
    def _answered(entries: list[dict], quiz: str, items: set[str]) -> str:
        answered = {entry["item"] for entry in entries if entry["quiz"] == quiz} & items
        if not answered:
            return NEW
        return DONE if answered == items else f"{len(answered)} of {len(items)} answered"

    def exercise(self, key: str, framework: str, wanted: set[str]) -> str:
        last = {e["question"]: e["result"] for e in self.checks if _of(e, key, framework)}
        passed = sum(last.get(question) == "passed" for question in wanted)
        if not passed and not self._was_opened(key, framework):
            return NEW
        return DONE if passed == len(wanted) else f"{passed} of {len(wanted)} checks passed"

    def _was_opened(self, key: str, framework: str) -> bool:
        return any(_of(entry, key, framework) for entry in self.opened)


def _of(entry: dict, key: str, framework: str) -> bool:
    return (entry["lesson"], entry["framework"]) == (key, framework)
