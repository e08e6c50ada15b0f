"""What a learner sees and does in the real JupyterLab, in headless Chromium."""

import json
import os
import re
import time
from collections.abc import Iterator

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from lab import (
    ROOT,
    TOKEN,
    Lab,
    browser,
    copy_course,
    environment,
    fresh_page,
    jupyter_lab,
    notebook_panel,
    running,
    screenshot,
    set_theme,
    tandem_lab,
    wait_for_kernel,
)
from playwright.sync_api import Browser, Locator, Page, expect

from tandem.quiz.asked import SIDES, asked
from tandem.quiz.model import load_bank
from tandem.quiz.scoring import key
from tandem.store import Store

pytestmark = pytest.mark.browser

HOME = "lessons/home.ipynb"
LESSON = "lessons/1-philosophy/first_steps"
PROGRESS = "lessons/progress.ipynb"
QUIZ = "lessons/1-philosophy/quiz.ipynb"
LARGEST_DIFFERENCE = 5.0  # seconds that `tandem lab` may add to JupyterLab's own start
each_theme = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A new learner's lab; the tests below use it one after the other."""
    base = tmp_path_factory.mktemp("lab")
    env = environment(base / "home", copy_course(base / "course"))
    with running(tandem_lab(base / "my-course"), base / "my-course", env) as found:
        yield found


@pytest.fixture
def page(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh browser profile. Whatever a test does, the lab asks nothing of the internet."""
    asked: list[str] = []
    set_theme(lab, "light")
    with fresh_page(chromium, request.node.name) as opened:
        opened.context.on("request", lambda sent: asked.append(sent.url))
        yield opened
    outside = [url for url in asked if not url.startswith((lab.url, "data:", "blob:"))]
    assert not outside


def open_notebook(page: Page, lab: Lab, path: str) -> Locator:
    """Open a notebook as the only one; its panel, once its kernel is ready to run cells."""
    page.goto(f"{lab.page_url(path)}&reset")
    panel = notebook_panel(page, path)
    wait_for_kernel(page, path)
    return panel


def open_home(page: Page, lab: Lab) -> Locator:
    panel = open_notebook(page, lab, HOME)
    expect(panel.locator("table").first).to_be_visible()
    return panel


def run_all(page: Page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def tab_to(page: Page, target: Locator, presses: int = 12) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{presses} times Tab did not reach {target}")


def test_the_lab_opens_on_a_home_page_that_says_what_is_next_without_running_a_cell(lab, page):
    page.goto(f"{lab.url}?token={TOKEN}")
    home = notebook_panel(page, HOME)
    heading = home.get_by_role("heading", name=re.compile(r"^Next: First steps \(\d+ minutes\)"))
    expect(heading).to_be_visible()
    expect(home.get_by_text("nothing opened yet")).to_be_visible()
    row = home.get_by_role("row", name=re.compile("^First steps"))
    for name in ("start", "side by side"):
        expect(row.get_by_role("link", name=name).first).to_be_visible()
    expect(row.get_by_role("cell", name="30", exact=True)).to_be_visible()
    headings = home.get_by_role("columnheader").all_inner_texts()[:5]
    assert headings == ["part", "minutes", "PyTorch", "TensorFlow", "both"]
    assert home.locator(".jp-InputPrompt").last.inner_text() == "[ ]:", "no cell has been run"


def test_nothing_pops_up_over_the_home_page(lab, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_home(page, lab)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)  # JupyterLab asks about news soon after its start, if it does
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0
    assert not [url for url in asked if "/api/news" in url or "/api/update" in url]


def test_running_the_home_cell_renews_the_page(lab, page):
    home = open_home(page, lab)
    entry = {"lesson": "1-philosophy/first_steps", "framework": "tensorflow"}
    Store(lab.state).append("opened", entry)
    home.locator(".jp-CodeCell .cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(home.get_by_role("link", name="go on in TensorFlow")).to_be_visible()
    expect(home.get_by_text("last opened: First steps in TensorFlow")).to_be_visible()


def test_side_by_side_opens_the_pair_in_two_panels_and_leads_home_again(lab, page):
    home = open_home(page, lab)
    home.get_by_role("row", name=re.compile("^First steps")).get_by_role(
        "link", name="side by side"
    ).click()
    left = notebook_panel(page, f"{LESSON}.pytorch.ipynb")
    right = notebook_panel(page, f"{LESSON}.tensorflow.ipynb")
    expect(left.get_by_role("heading", name="First steps · PyTorch")).to_be_visible()
    expect(right.get_by_role("heading", name="First steps · TensorFlow")).to_be_visible()
    a, b = left.bounding_box(), right.bounding_box()
    assert a["x"] + a["width"] <= b["x"] and a["y"] == b["y"], "next to each other"
    assert min(a["width"], b["width"]) > 0.45 * 1440, "no side panel takes their room"
    page.wait_for_timeout(1000)
    screenshot(page, "pair")
    left.get_by_role("link", name="home").first.click()
    expect(notebook_panel(page, HOME).locator("table").first).to_be_visible()


def test_a_lesson_opens_from_home_runs_and_leads_to_its_partner(lab, page):
    home = open_home(page, lab)
    home.locator(f'a[href*="{LESSON.removeprefix("lessons/")}.pytorch.ipynb"]').last.click()
    lesson = notebook_panel(page, f"{LESSON}.pytorch.ipynb")
    wait_for_kernel(page, f"{LESSON}.pytorch.ipynb")
    lesson.get_by_role("heading", name="First steps · PyTorch").click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    begun = lesson.get_by_text(re.compile(r"1-philosophy/first_steps in PyTorch: .*torch \d"))
    expect(begun).to_be_visible()
    last = Store(lab.state).entries("opened")[-1]
    assert (last["lesson"], last["framework"]) == ("1-philosophy/first_steps", "pytorch")
    lesson.get_by_role("link", name="the same in TensorFlow").click()
    partner = notebook_panel(page, f"{LESSON}.tensorflow.ipynb")
    expect(partner.get_by_role("heading", name="First steps · TensorFlow")).to_be_visible()


def test_a_question_is_answered_by_keyboard_alone_and_the_answer_outlives_a_reload(lab, page):
    quiz = open_notebook(page, lab, QUIZ)
    for _ in range(4):  # title, begin, question 1, its answer
        page.keyboard.press("Shift+Enter")
    item = quiz.locator(".tandem-quiz").first
    option = item.get_by_role("checkbox").first
    expect(option).to_be_visible()
    screenshot(page, "quiz-before")
    page.keyboard.press("ArrowUp")  # from question 2 back to the answer of question 1
    tab_to(page, option)
    page.keyboard.press("Space")
    expect(option).to_be_checked()
    tab_to(page, item.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")
    said = item.get_by_role("status").first
    expect(said).to_contain_text(re.compile(r"(Correct|Not yet)\. .* Attempt 1\."))
    expect(said).to_contain_text("ight: ")  # the reason: "Right: …" or "Not right: …"
    screenshot(page, "quiz-after")
    answers = Store(lab.state).entries("answers")
    assert [(a["quiz"], a["item"]) for a in answers] == [("1-philosophy", "eager-needs-no-session")]

    before = (lab.state / "learner.json").read_bytes()
    page.reload()
    quiz = open_notebook(page, lab, QUIZ)
    run_all(page)
    expect(quiz.get_by_text(re.compile(r"1 of \d+ questions answered"))).to_be_visible()
    quiz.get_by_role("heading", name="Question 1 of").scroll_into_view_if_needed()
    item = quiz.locator(".tandem-quiz").first
    expect(item.get_by_role("checkbox").first).to_be_checked()
    expect(item.get_by_role("status").first).to_contain_text("Attempt 1.")
    assert (lab.state / "learner.json").read_bytes() == before, "running a quiz writes nothing"


@each_theme
def test_home_and_quiz_can_be_read_in_each_theme(lab, page, theme):
    set_theme(lab, theme)
    home = open_home(page, lab)
    page.wait_for_timeout(1000)
    screenshot(page, f"home-{theme}")
    assert_readable(home.locator(".jp-OutputArea-output").first)
    quiz = open_notebook(page, lab, QUIZ)
    quiz.get_by_role("heading", name=re.compile("^Quiz 1")).click()
    for _ in range(4):
        page.keyboard.press("Shift+Enter")
    item = quiz.locator(".tandem-quiz").first
    item.get_by_role("checkbox").last.check()
    item.get_by_role("button", name="Check").click()
    expect(item.get_by_role("status").first).to_contain_text(re.compile(r"Correct|Not yet"))
    item.get_by_role("button", name=re.compile("^Hint")).click()
    expect(item.get_by_role("status").last).to_contain_text("Hint 1")
    screenshot(page, f"quiz-{theme}")
    assert_readable(item)


def quiz_item(quiz: Locator, number: int) -> Locator:
    """The controls of a question, in view."""
    quiz.get_by_role("heading", name=f"Question {number} of").scroll_into_view_if_needed()
    item = quiz.locator(".tandem-quiz").nth(number - 1)
    item.scroll_into_view_if_needed()
    return item


def number_of(item_id: str) -> int:
    """Place of an item in the quiz of question 1."""
    bank = load_bank(ROOT / "lessons" / "1-philosophy" / "quiz.yml")
    return [item.id for item in bank.items].index(item_id) + 1


@each_theme
def test_order_match_and_line_items_are_answered_and_read(lab, page, theme):
    set_theme(lab, theme)
    quiz = open_notebook(page, lab, QUIZ)
    run_all(page)
    expect(quiz.get_by_text(re.compile(r"questions answered|No answers yet"))).to_be_visible()
    bank = load_bank(ROOT / "lessons" / "1-philosophy" / "quiz.yml")
    for item_id in ("order-a-step", "whose-record", "spot-the-cut"):
        item = quiz_item(quiz, number_of(item_id))
        right = key(bank.item(item_id))
        if item_id == "spot-the-cut":
            item.get_by_role("checkbox", name=re.compile(f"^{right[0].upper()}:")).check()
        else:
            names = choices_in(item)
            wanted = dict(right) if isinstance(right, dict) else {}
            if not wanted:
                wanted = {name: str(place) for place, name in enumerate(right, start=1)}
            texts = {choice.id: choice for choice in asked(bank.item(item_id)).choices}
            for name, value in wanted.items():
                label = SIDES.get(value, value)
                shown = texts[name].text or next(iter(texts[name].code.programs.values()))
                place = next(n for n, t in enumerate(names) if words(shown) in words(t))
                item.get_by_role("combobox").nth(place).select_option(label=label)
        item.get_by_role("button", name="Check").click()
        expect(item.get_by_role("status").first).to_contain_text("Correct.")
        screenshot(page, f"{item_id}-{theme}")
        assert_readable(item)


def choices_in(item: Locator) -> list[str]:
    """The label of each list to choose from, as a screen reader says it."""
    found = item.locator(".widget-dropdown .widget-label").all_inner_texts()
    return [text for text in found if text != "How sure?"]


def words(text: str) -> str:
    """Letters and digits alone: how a text is broken or set does not count."""
    return "".join(filter(str.isalnum, text))


@pytest.mark.parametrize("path", [QUIZ, PROGRESS, "exercises/1-philosophy/quiz.ipynb"])
def test_axe_finds_nothing_serious(lab, page, path):
    notebook = open_notebook(page, lab, path)
    run_all(page)
    parts = ".jp-OutputArea-output" if "progress" in path else ".tandem-quiz"
    expect(notebook.locator(parts).first).to_be_visible()
    page.wait_for_timeout(3000)
    found = Axe().run(page, context={"include": [[f".jp-Notebook {parts}"]]}).response
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    told = [(v["id"], v["help"], v["nodes"][0]["html"][:200]) for v in serious]
    assert not told
    assert found["passes"], "axe looked at something"


def test_axe_would_find_a_field_without_a_name(lab, page):
    open_home(page, lab)
    page.evaluate("document.querySelector('.jp-OutputArea-output').innerHTML = '<input type=text>'")
    found = Axe().run(page, context={"include": [[".jp-OutputArea-output"]]}).response
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")]


BEYOND = """root => [...root.querySelectorAll("*")]
  .filter(e => e.getClientRects().length && e.tagName !== "STYLE")
  .filter(e => e.getBoundingClientRect().right > root.getBoundingClientRect().right + 1)
  .map(e => e.outerHTML.slice(0, 120))"""


def test_at_200_percent_nothing_of_a_quiz_is_cut_off(lab, chromium):
    context = chromium.new_context(viewport={"width": 720, "height": 450}, device_scale_factor=2)
    page = context.new_page()
    page.set_default_timeout(60_000)
    quiz = open_notebook(page, lab, QUIZ)
    run_all(page)
    expect(quiz.locator(".tandem-quiz").first).to_be_visible()
    for item_id in ("order-a-step", "whose-record", "spot-the-cut"):
        item = quiz_item(quiz, number_of(item_id))
        screenshot(page, f"{item_id}-200")
        assert not item.evaluate(BEYOND), item_id
    context.close()


@each_theme
def test_a_drawn_graph_is_seen_whole_in_each_theme(lab, page, theme):
    set_theme(lab, theme)
    path = f"graph-{theme}.ipynb"
    nbformat.write(graph_notebook(), lab.folder / path)
    notebook = open_notebook(page, lab, path)
    run_all(page)
    image = notebook.locator(".jp-OutputArea-output img")
    expect(image).to_be_visible()
    drawn, room = image.bounding_box(), notebook.locator(".jp-OutputArea").bounding_box()
    assert drawn["width"] > 300 and drawn["height"] > 80
    assert drawn["x"] + drawn["width"] <= room["x"] + room["width"]
    screenshot(page, f"graph-{theme}")


def test_the_path_of_a_new_learner(lab, page):
    """Home, the pair, all cells of one notebook, the quiz, progress, the exercise, Validate."""
    home = open_home(page, lab)
    row = home.get_by_role("row", name=re.compile("^First steps"))
    row.get_by_role("link", name="side by side").click()
    left = notebook_panel(page, f"{LESSON}.pytorch.ipynb")
    expect(left.get_by_role("heading", name="First steps · PyTorch")).to_be_visible()
    left.get_by_role("heading", name="First steps · PyTorch").click()
    wait_for_kernel(page, f"{LESSON}.pytorch.ipynb")
    run_all(page)
    wanted = {e["name"] for e in bundled_values("1-philosophy/first_steps", "pytorch")}
    deadline = time.monotonic() + 120
    while not wanted <= names_recorded(lab) and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    assert wanted <= names_recorded(lab), "every cell has run"
    screenshot(page, "path-1-pair")

    quiz = open_notebook(page, lab, QUIZ)
    run_all(page)
    item = quiz.locator(".tandem-quiz").nth(1)
    item.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    tab_to(page, item.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")
    expect(item.get_by_role("status").first).to_contain_text("Attempt 1.")

    progress = open_notebook(page, lab, PROGRESS)
    run_all(page)
    lesson = progress.get_by_role("row", name=re.compile("^First steps")).first
    expect(lesson).to_contain_text("done")
    expect(progress.get_by_text(re.compile(r"of \d+ points")).first).to_be_visible()
    screenshot(page, "path-2-progress")
    progress.get_by_role("button", name="Save my progress to a file").click()
    expect(progress.get_by_text(re.compile("Saved to tandem-progress.json"))).to_be_visible()
    assert (lab.folder / "lessons" / "tandem-progress.json").is_file()

    exercise = open_notebook(page, lab, "exercises/1-philosophy/pytorch.ipynb")
    exercise.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("failed", timeout=120_000)
    screenshot(page, "path-3-validate")


def bundled_values(lesson: str, framework: str) -> list[dict]:
    """What the authors recorded, by name: so much is recorded when every cell has run."""
    bundle = json.loads((ROOT / "tandem" / "bundled.json").read_text())
    return [{"name": name} for name in bundle["values"][lesson][framework]]


def names_recorded(lab: Lab) -> set[str]:
    return {e["name"] for e in Store(lab.state).entries("measurements")}


def test_tandem_adds_less_than_five_seconds_to_the_start_of_jupyterlab(lab, tmp_path):
    """The better of two starts each, taken in turn, so that both meet the same load."""
    env = environment(tmp_path / "home", lab.folder.parent / "course")
    seconds: dict[str, list[float]] = {"jupyter": [], "tandem": []}
    for _ in range(2):
        for name, command in (("jupyter", jupyter_lab), ("tandem", tandem_lab)):
            with running(command(lab.folder), lab.folder, env) as started:
                seconds[name].append(started.seconds)
    best = {name: min(taken) for name, taken in seconds.items()}
    print(f"seconds to the first answer: {seconds}; load {os.getloadavg()[0]:.1f}")
    assert best["tandem"] - best["jupyter"] < LARGEST_DIFFERENCE, seconds


# Contrast

COLOURS = """root => [root, ...root.querySelectorAll("*")]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => e.getClientRects().length && e.tagName !== "STYLE")
  .map(e => {
    const under = [];
    for (let up = e; up; up = up.parentElement) under.push(getComputedStyle(up).backgroundColor);
    return {text: e.textContent.trim().slice(0, 40), colour: getComputedStyle(e).color, under};
  })"""


def assert_readable(part: Locator, wanted: float = 4.5) -> None:
    """Every visible text in `part` has at least WCAG's contrast with what lies under it."""
    found = part.evaluate(COLOURS)
    assert found, "there is text"
    for text in found:
        contrast = contrast_of(text["colour"], text["under"])
        assert contrast >= wanted, f"{text['text']!r}: contrast {contrast:.2f}"


def contrast_of(colour: str, under: list[str]) -> float:
    """Contrast ratio of a text's colour with the backgrounds below it, nearest first."""
    ground = (255.0, 255.0, 255.0)
    for layer in reversed(under):
        ground = over(layer, ground)
    light, dark = sorted((luminance(over(colour, ground)), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(colour: str, ground: tuple[float, ...]) -> tuple[float, ...]:
    """A CSS colour such as rgb(1, 2, 3) or rgba(1, 2, 3, 0.5), laid over an opaque one."""
    kind, numbers = re.fullmatch(r"(rgba?)\((.*)\)", colour).groups()
    *channels, alpha = [float(n) for n in numbers.split(",")] + [1.0] * (kind == "rgb")
    return tuple(alpha * c + (1 - alpha) * g for c, g in zip(channels, ground, strict=True))


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour with channels up to 255 (WCAG 2)."""
    shares = [c / 255 for c in colour]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * s for w, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def graph_notebook() -> nbformat.NotebookNode:
    """A notebook that draws the graph of sum(tanh(a * b + b))."""
    code = """import tandem

edges = [("a", "multiply"), ("b", "multiply"), ("multiply", "add"), ("b", "add"),
         ("add", "tanh"), ("tanh", "sum"), ("sum", "y")]
kinds = {"a": "input", "b": "leaf", "y": "output"}
tandem.draw_graph(edges, title="sum(tanh(a * b + b))", kinds=kinds)"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return notebook
