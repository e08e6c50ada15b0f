"""A bank -> its notebook quiz.ipynb: the questions to read, no options, no keys, no outputs."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tandem.course import FRAMEWORKS
from tandem.quiz.model import Bank, Code, Item

# JupyterLab aligns table cells to the right and centres them. GitHub drops the style, needing none.
GRADED_END = """## Before you hand in

Your answers are in the file `quiz-answers.json` beside this notebook. Hand it in together with this
notebook."""
CELL = '<td width="50%" style="text-align: left; vertical-align: top">'


def quiz_notebook(bank: Bank, source: str, exercise: bool = True) -> NotebookNode:
    """The notebook of a quiz. The same bank gives the same notebook, byte for byte.

    `source` is the path of the bank as the notebook names it, e.g. lessons/1-philosophy/quiz.yml;
    `exercise` says whether the question has an exercise to lead to.
    """
    cells = [
        new_markdown_cell(_title(bank, source, exercise), id="title"),
        new_code_cell(f'import tandem\n\nquiz = tandem.open_quiz("{bank.quiz}")', id="begin"),
    ]
    for place, item in enumerate(bank.items, start=1):
        heading = f"## Question {place} of {len(bank.items)}"
        cells.append(new_markdown_cell(f"{heading}\n\n{question(item)}", id=f"{item.id}-question"))
        # JupyterLab shows the first line of a hidden cell: the id may say too much.
        text = f'# Your answer to question {place}\nquiz.ask("{item.id}")'
        ask = new_code_cell(text, id=f"{item.id}-answer")
        # With an option in focus JupyterLab still obeys its keys: `d d` would delete the cell.
        ask.metadata.update(jupyter={"source_hidden": True}, deletable=False, editable=False)
        cells.append(ask)
    cells.append(new_markdown_cell("## Where you stand", id="end"))
    cells.append(new_code_cell("quiz.summary()", id="summary"))
    cells.append(new_markdown_cell(f"---\n\n**Go on with** {_ways(bank, exercise)}", id="ways"))
    return new_notebook(cells=cells, metadata=_metadata(source))


def _metadata(source: str) -> dict:
    return {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "tandem": {"source": source},
    }


def graded_notebook(bank: Bank, source: str) -> NotebookNode:
    """nbgrader's source version of a graded quiz: a graded cell for each item, marked by the judge.

    `source` is the path of the bank in the course, as the notebook names it.
    """
    begin = "import tandem\n\nquiz = tandem.open_graded_quiz()"
    cells = [
        _locked(new_markdown_cell(_graded_title(bank, source), id="title")),
        _locked(new_code_cell(begin, id="begin")),
    ]
    for place, item in enumerate(bank.items, start=1):
        points = f"{item.points} point" + ("s" if item.points > 1 else "")
        heading = f"## Question {place} of {len(bank.items)} ({points})"
        text = f"{heading}\n\n{question(item)}"
        cells.append(_locked(new_markdown_cell(text, id=f"{item.id}-question")))
        ask = new_code_cell(_graded_cell(bank, item, place), id=f"{item.id}-answer")
        cells.append(_locked(ask, item.name, item.points))
    cells.append(_locked(new_markdown_cell(GRADED_END, id="end")))
    cells.append(_locked(new_code_cell("quiz.summary()", id="summary")))
    return new_notebook(cells=cells, metadata=_metadata(source))


def _graded_cell(bank: Bank, item: Item, place: int) -> str:
    return f"""# Your answer to question {place}
quiz.ask("{item.id}")
### BEGIN HIDDEN TESTS
from autograder.in_kernel import grade

grade("{bank.quiz}", "{item.name}", globals())
### END HIDDEN TESTS"""


def _locked(cell: NotebookNode, name: str = "", points: int = 0) -> NotebookNode:
    """With nbgrader's metadata: to be read only, or with points a graded cell of that name."""
    meta = {"grade": bool(points), "grade_id": name or f"read_{cell.id.replace('-', '_')}"}
    meta |= {"locked": True, "schema_version": 3, "solution": False, "task": False}
    if points:
        meta["points"] = points
    cell.metadata["nbgrader"] = meta
    return cell


def question(item: Item) -> str:
    """The stem and the code of an item as Markdown."""
    return f"{item.stem}\n\n{_code(item.code)}" if item.code else item.stem


def _title(bank: Bank, source: str, exercise: bool) -> str:
    return f"""<!-- generated from {source}; edit that file, then run `tandem build` -->
# {bank.title}

Question {_number(bank)} of 6 · {_ways(bank, exercise)}

Choose *Run All Cells* in the *Run* menu, and the controls appear below each question. Decide before
you run any code, then press *Check*: every answer gets its reason, and you may try as often as you
like. Your answers are kept, also when you close this notebook or run it again."""


def _graded_title(bank: Bank, source: str) -> str:
    pair = _pair("exercise", "{}.ipynb")
    return f"""<!-- generated from {source}; edit that file, then run `tandem build` -->
# {bank.title}

Question {_number(bank)} of 6 · {pair} · [home](../../lessons/home.ipynb)

This quiz is graded. Choose *Run All Cells* in the *Run* menu, and the controls appear below each
question. Choose or type your answer, then press *Keep this answer*. Nothing tells you whether it is
right; the [practice quiz](../../lessons/{bank.quiz}/quiz.ipynb) does that for others. You may
change an answer until you hand in."""


def _number(bank: Bank) -> str:
    return bank.quiz.split("-")[0]


def _ways(bank: Bank, exercise: bool) -> str:
    """Links to the lessons that the items name, to the exercise, and to the home page."""
    lessons = dict.fromkeys(item.section.split("#")[0] for item in bank.items)
    ways = [_pair(f"lesson *{_words(name)}*", f"{name}.{{}}.ipynb") for name in lessons]
    if exercise:
        ways.append(_pair(f"exercise {_number(bank)}", f"../../exercises/{bank.quiz}/{{}}.ipynb"))
    return " · ".join([*ways, "[home](../home.ipynb)"])


def _pair(what: str, path: str) -> str:
    """A link for each framework; `path` has {} where the framework's name belongs."""
    links = [f"[{name}]({path.format(framework)})" for framework, name in FRAMEWORKS.items()]
    return f"{what} in {' or '.join(links)}"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _code(code: Code) -> str:
    """One column per program. Blank lines end the HTML, so that the fences are read as Markdown."""
    columns = {FRAMEWORKS[name]: text for name, text in code.programs.items()}
    if code.both:
        columns = {" and ".join(columns): code.both}
    heads = "".join(f'<th style="text-align: left">{name}</th>' for name in columns)
    bodies = "\n".join(f"{CELL}\n\n{_fenced(text)}\n\n</td>" for text in columns.values())
    return f'<table width="100%">\n<tr>{heads}</tr>\n<tr>\n{bodies}\n</tr>\n</table>'


def _fenced(text: str) -> str:
    return f"```python\n{text}\n```"
