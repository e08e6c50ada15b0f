"""The extension that scrolls the two notebooks of a pair together, in the real JupyterLab."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from lab import (
    Lab,
    browser,
    copy_course,
    environment,
    fresh_page,
    notebook_panel,
    running,
    screenshot,
    tandem_lab,
)
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

FOLDER = "lessons/1-philosophy"
PYTORCH, TENSORFLOW = (
    f"{FOLDER}/eager_graphs.pytorch.ipynb",
    f"{FOLDER}/eager_graphs.tensorflow.ipynb",
)
PAIR = f"{FOLDER}/eager_graphs.jupyterlab-workspace"
GRADIENT, DEFINE, COST = "A second gradient", "Define first, run later", "What one operation costs"
AFTER_GRADIENT, AFTER_DEFINE = "Capture once, replay many times", "The same model, the same numbers"
SETTLED = 3000  # ms: longer than the extension holds the notebook that follows
SAME_PLACE = 15  # pixels
BUTTON = "Scroll together"


@dataclass(frozen=True)
class Notebook:
    """One of the notebooks that are open side by side."""

    panel: Locator

    @property
    def content(self) -> Locator:
        return self.panel.locator(".jp-WindowedPanel-outer")

    @property
    def button(self) -> Locator:
        return self.panel.get_by_role("button", name=BUTTON)

    @property
    def offset(self) -> float:
        return self.content.evaluate("content => content.scrollTop")

    def place(self, heading: str) -> float | None:
        """How far below the panel's upper edge the heading is; None while it is not rendered."""
        found = self.panel.get_by_role("heading", name=heading)
        if found.count() == 0:
            return None
        return found.bounding_box()["y"] - self.content.bounding_box()["y"]

    def wheel(self, pixels: float) -> None:
        self.content.hover()
        self.content.page.mouse.wheel(0, pixels)
        self.content.page.wait_for_timeout(200)

    def wheel_to(self, heading: str, step: int = 500) -> None:
        """Turn the wheel until the heading is at the panel's upper edge."""
        for _ in range(100):
            place = self.place(heading)
            if place is not None and abs(place) < 2:
                return
            self.wheel(step if place is None else max(-500, min(500, place)))
        raise AssertionError(f"{heading!r} is not reached")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    base = tmp_path_factory.mktemp("pair")
    env = environment(base / "home", copy_course(base / "course"))
    with running(tandem_lab(base / "my-course"), base / "my-course", env) as found:
        yield found


@pytest.fixture
def page(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh browser profile, whose console shows no error."""
    set_windowing(lab, "contentVisibility")
    errors: list[str] = []
    with fresh_page(chromium, request.node.name) as opened:
        opened.on("console", lambda said: said.type == "error" and errors.append(said.text))
        opened.on("pageerror", lambda error: errors.append(str(error)))
        yield opened
    assert not errors


def set_windowing(lab: Lab, mode: str) -> None:
    """Choose which cells JupyterLab keeps in the page, for the pages opened from now on."""
    plugin = lab.home / "settings" / "@jupyterlab" / "notebook-extension"
    plugin.mkdir(parents=True, exist_ok=True)
    settings = json.dumps({"windowingMode": mode})
    (plugin / "tracker.jupyterlab-settings").write_text(settings)


def open_pair(
    page: Page, lab: Lab, workspace: str = PAIR, right: str = TENSORFLOW
) -> tuple[Notebook, Notebook]:
    page.goto(lab.page_url(workspace))
    pair = Notebook(notebook_panel(page, PYTORCH)), Notebook(notebook_panel(page, right))
    for notebook in pair:
        expect(notebook.panel.get_by_role("heading").first).to_be_visible()
    page.wait_for_timeout(5000)  # JupyterLab renders and measures the cells out of view when idle
    return pair


def assert_together(one: Notebook, other: Notebook, heading: str) -> None:
    """The heading comes to the same place in both, and neither moves on from there."""
    page = one.content.page
    page.wait_for_timeout(SETTLED)
    here, there = one.place(heading), other.place(heading)
    assert here is not None and there is not None
    assert abs(here - there) < SAME_PLACE, heading
    before = one.offset, other.offset
    page.wait_for_timeout(1000)
    assert (one.offset, other.offset) == before


@pytest.mark.parametrize("mode", ["contentVisibility", "full", "defer", "none"])
def test_scrolling_one_notebook_brings_the_other_to_the_same_heading(lab, page, mode):
    set_windowing(lab, mode)
    left, right = open_pair(page, lab)
    left.wheel_to(DEFINE)
    assert_together(left, right, DEFINE)
    screenshot(page, f"pair-{mode}")
    right.wheel_to(COST)
    assert_together(right, left, COST)
    right.wheel_to(GRADIENT, step=-500)
    assert_together(right, left, GRADIENT)


def test_within_a_section_both_show_the_same_share_of_it_and_they_end_together(lab, page):
    set_windowing(lab, "none")  # so that both ends of the section are in the page
    left, right = open_pair(page, lab)

    def share(notebook: Notebook) -> float:
        begin, end = notebook.place(GRADIENT), notebook.place(AFTER_GRADIENT)
        return -begin / (end - begin)

    left.wheel_to(GRADIENT)
    left.wheel(450)
    page.wait_for_timeout(SETTLED)
    assert 0.2 < share(left) < 0.8
    assert share(right) == pytest.approx(share(left), abs=0.03)
    for _ in range(40):
        left.wheel(500)
    page.wait_for_timeout(SETTLED)
    for notebook in (left, right):
        assert notebook.content.evaluate("c => c.scrollHeight - c.clientHeight - c.scrollTop") < 2


def test_the_keyboard_leads_too(lab, page):
    left, right = open_pair(page, lab)
    left.panel.get_by_role("heading").first.click()
    page.keyboard.press("Escape")
    for _ in range(30):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(SETTLED)
    for notebook in (left, right):
        assert notebook.place(DEFINE) < 0 < notebook.place(AFTER_DEFINE)


def test_whoever_scrolls_leads_at_once(lab, page):
    left, right = open_pair(page, lab)
    left.wheel_to(GRADIENT)
    right.wheel_to(DEFINE)  # while the right notebook is still held to the left one
    assert abs(right.place(DEFINE)) < SAME_PLACE
    assert_together(right, left, DEFINE)


def test_it_is_switched_off_by_keyboard_stays_off_and_is_switched_on_in_the_palette(lab, page):
    left, right = open_pair(page, lab)
    expect(left.button).to_have_attribute("aria-pressed", "true")
    left.panel.get_by_role("heading").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")  # to the toolbar, which is one stop
    for _ in range(15):
        if left.button.evaluate("button => button.matches(':focus')"):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    for notebook in (left, right):
        expect(notebook.button).to_have_attribute("aria-pressed", "false")
    left.wheel_to(DEFINE)
    page.wait_for_timeout(SETTLED)
    screenshot(page, "pair-off")
    assert right.offset == 0

    left, right = open_pair(page, lab)
    expect(left.button).to_have_attribute("aria-pressed", "false")
    right.wheel_to(GRADIENT)
    page.wait_for_timeout(SETTLED)
    assert left.offset == 0

    right.panel.get_by_role("heading", name=GRADIENT).click()
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("Scroll the pair together")
    screenshot(page, "pair-palette")
    page.keyboard.press("Enter")
    expect(left.button).to_have_attribute("aria-pressed", "true")
    assert_together(right, left, GRADIENT)


def test_notebooks_of_different_lessons_are_left_alone(lab, page):
    other = TENSORFLOW.replace("eager_graphs", "first_steps")
    workspace = (lab.folder / PAIR).read_text().replace(TENSORFLOW, other)
    (lab.folder / "strangers.jupyterlab-workspace").write_text(workspace)
    left, right = open_pair(page, lab, "strangers.jupyterlab-workspace", right=other)
    left.wheel_to(GRADIENT)
    page.wait_for_timeout(SETTLED)
    assert right.offset == 0


def test_a_notebook_that_is_no_part_of_a_pair_has_no_button_and_scrolls_as_ever(lab, page):
    page.goto(lab.page_url(f"{FOLDER}/quiz.ipynb") + "&reset")
    quiz = Notebook(notebook_panel(page, f"{FOLDER}/quiz.ipynb"))
    validate = quiz.panel.get_by_role("button", name="Validate")
    expect(validate).to_be_visible()  # nbgrader's, which comes in the same way as ours would
    assert quiz.button.count() == 0
    quiz.wheel(400)
    page.wait_for_timeout(SETTLED)
    assert quiz.offset == pytest.approx(400, abs=SAME_PLACE)
