"""The progress page: what was recorded, answered and passed, and what is next."""

import json
from collections.abc import Iterator
from pathlib import Path

from tandem.course import FRAMEWORKS, questions, root
from tandem.home import NEW, QUESTION_TITLES, History, Part, next_part, number_of, parts
from tandem.measurements import show_value
from tandem.quiz.model import load_bank
from tandem.quiz.scoring import calibration_told, summary
from tandem.store import Store, StoreError

SAVED = "tandem-progress.json"
EMPTY = "Nothing yet. Open a lesson from the [home page](home.ipynb) and run it."


def show_progress() -> None:
    """Display the page and the buttons that save and load it."""
    from IPython.display import Markdown, display

    display(Markdown(progress_markdown(root())))
    display(_buttons())


def progress_markdown(course: Path) -> str:
    """The page in Markdown; its links are relative to `lessons/`."""
    history = History()
    by_question = {q: list(parts(course, q, history)) for q in questions(course)}
    every = [part for of_question in by_question.values() for part in of_question]
    lines = [*next_part(every), ""]
    for question, of_question in by_question.items():
        found = [
            *_parts(of_question),
            *_values(history, question),
            *_quiz(course, question, history),
        ]
        number = number_of(question)
        lines += [f"### {number} · {QUESTION_TITLES[number]}", "", *(found or [EMPTY]), ""]
    return "\n".join(lines)


def _parts(of_question: list[Part]) -> list[str]:
    """How far each part is, for the parts that were begun."""
    begun = [part for part in of_question if set(part.states.values()) != {NEW}]
    if not begun:
        return []
    rows = ["| part | PyTorch | TensorFlow |", "|:---|:---|:---|"]
    for part in begun:
        states = [part.states.get(f, part.states.get("both", "")) for f in FRAMEWORKS]
        rows.append(f"| {part.title} | {' | '.join(states)} |")
    return [*rows, ""]


def _values(history: History, question: str) -> Iterator[str]:
    """The last value of each name, the pair side by side."""
    lessons: dict[str, dict[str, dict[str, str]]] = {}
    for entry in history.measured:
        if entry["lesson"].startswith(f"{question}/"):
            names = lessons.setdefault(entry["lesson"], {})
            shown = show_value(entry["value"], entry["unit"])
            names.setdefault(entry["name"], {})[entry["framework"]] = shown
    for lesson, names in lessons.items():
        yield from (f"Recorded in *{lesson.split('/')[1].replace('_', ' ')}*:", "")
        yield from ("| value | PyTorch | TensorFlow |", "|:---|:---|:---|")
        for name, values in names.items():
            cells = [values.get(framework, "not run yet") for framework in FRAMEWORKS]
            yield f"| `{name}` | {' | '.join(cells)} |"
        yield ""


def _quiz(course: Path, question: str, history: History) -> list[str]:
    """The score of the quiz, and how often one was right by how sure one was."""
    path = course / "lessons" / question / "quiz.yml"
    if not path.exists():
        return []
    bank = load_bank(path)
    now = summary(bank, history.answers)
    if not now.answered:
        return []
    told = (
        f"Quiz: **{now.earned:g} of {now.points} points**, {now.answered} of {now.items} answered, "
    )
    lines = [f"{told}{now.first_try} right at first try.", ""]
    sure = calibration_told(bank, history.answers)
    return [*lines, sure, ""] if sure else lines


def _buttons():
    """Save to a file in this folder, and load from one that is chosen."""
    import ipywidgets as widgets

    save = widgets.Button(description="Save my progress to a file", layout={"width": "auto"})
    load = widgets.FileUpload(
        accept=".json", description="Load progress from a file", layout={"width": "auto"}
    )
    said = widgets.HTML('<div role="status" aria-live="polite"></div>')

    def say(text: str) -> None:
        said.value = f'<div role="status" aria-live="polite"><p>{text}</p></div>'

    def on_save(_: widgets.Button) -> None:
        try:
            Store().save_to(Path(SAVED))
        except StoreError as error:
            say(str(error))
        else:
            say(
                f"Saved to {SAVED} in this folder. To keep it elsewhere, right-click it in the "
                "file browser and choose Download."
            )

    def on_load(change: dict) -> None:
        for file in change["new"]:
            try:
                added = Store().load(json.loads(bytes(file.content)))
            except (StoreError, ValueError) as error:
                say(
                    f"Nothing was loaded: {error}"
                    if isinstance(error, StoreError)
                    else "Nothing was loaded: this is not a file of saved progress."
                )
            else:
                say(f"Entries added: {added}. Run the cell above again to see them.")

    save.on_click(on_save)
    load.observe(on_load, names="value")
    return widgets.VBox([widgets.Box([save, load], layout={"flex_flow": "row wrap"}), said])
