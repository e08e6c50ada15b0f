"""The quiz engine: banks, marks, controls, notebook."""

import copy
import html
import os
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nbclient import NotebookClient

import tandem
from tandem.claims import ClaimsError, load_claims
from tandem.course import FRAMEWORKS, CourseError, root
from tandem.quiz.asked import asked as without_key
from tandem.quiz.build import quiz_notebook
from tandem.quiz.controls import inline, shuffled
from tandem.quiz.model import (
    Bank,
    BankError,
    Item,
    Many,
    Numeric,
    Predict,
    Single,
    load_bank,
)
from tandem.quiz.scoring import NotAnAnswer, key, mark, marks_of, summary
from tandem.quiz.view import ItemView, Quiz, VoteView
from tandem.store import Store
from tandem.strict_yaml import read_yaml

PATHS = sorted(root().glob("lessons/*/quiz.yml"))
BANKS = [load_bank(path) for path in PATHS]
each_bank = pytest.mark.parametrize("bank", BANKS, ids=[bank.quiz for bank in BANKS])


def option(name: str, correct: bool = False) -> dict:
    row = {"id": name, "text": f"The {name} one", "correct": correct, "feedback": f"Why {name}."}
    return row if correct else {**row, "misconception": f"believes-{name}"}


def statement(name: str, side: str) -> dict:
    told = {"text": f"The {name} one", "feedback": f"Why {name}."}
    return {"id": name, "answer": side, "misconception": f"believes-{name}", **told}


def needs(name: str) -> dict:
    return {"after": [name], "feedback": f"It needs {name}.", "misconception": f"before-{name}"}


def marked(letter: str, correct: bool = False) -> dict:
    row = {"id": letter, "correct": correct, "feedback": f"Why {letter}."}
    return row if correct else {**row, "misconception": f"believes-{letter}"}


def common(name: str, kind: str) -> dict:
    return {
        "id": name,
        "type": kind,
        "stem": "What happens?",
        "explanation": "Because `x` says so.",
        "section": "first_steps#A heading",
    }


SMALL = {
    "quiz": "1-small",
    "title": "A small quiz",
    "items": [
        {
            **common("one", "single"),
            "topic": "which `colour`",
            "options": [option("red", True), option("green"), option("blue")],
            "hints": ["First hint.", "Second hint."],
        },
        {
            **common("several", "many"),
            "points": 2,
            "options": [option("a", True), option("b", True), option("c"), option("d")],
        },
        {
            **common("number", "numeric"),
            "section": "first_steps#Numbers",
            "answer": 0.5,
            "tolerance": 0.01,
            "wrong": [{"answer": 2, "feedback": "Upside down.", "misconception": "inverted"}],
        },
        {
            **common("output", "predict"),
            "code": {"both": "print('a', 'b')"},
            "check": {"pytorch": "answer = printed", "tensorflow": "answer = printed"},
            "answer": "a b",
            "wrong": [{"answer": "ab", "feedback": "A blank.", "misconception": "no-blank"}],
        },
        {
            **common("choice", "predict"),
            "code": {"pytorch": "print(1)", "tensorflow": "print(2)"},
            "check": {"pytorch": "answer = 'yes'", "tensorflow": "answer = 'yes'"},
            "options": [option("yes", True), option("no")],
        },
        {
            **common("sorted", "order"),
            "lines": [
                {"id": "make", "code": {"both": "x = []"}},
                {"id": "fill", "code": {"both": "x += [1]"}, **needs("make")},
                {"id": "show", "code": {"both": "print(x)"}, **needs("make")},
            ],
            "check": {"pytorch": "answer = not error", "tensorflow": "answer = not error"},
        },
        {
            **common("whose", "match"),
            "options": [
                statement("left", "pytorch"),
                statement("right", "tensorflow"),
                statement("all", "both"),
                statement("none", "neither"),
            ],
        },
        {
            **common("line", "spot"),
            "code": {"both": "x = 1\nx += 1  # A\nx -= 1  # B\nprint(x)  # C"},
            "options": [marked("a"), marked("b", True), marked("c")],
            "repair": {"both": "x += 1"},
            "check": {"pytorch": "answer = x == 3", "tensorflow": "answer = x == 3"},
        },
    ],
}
BANK = Bank.model_validate(SMALL)
RIGHT = {"one": ["red"], "several": ["a", "b"], "number": "0.5", "output": "a b", "choice": ["yes"]}
RIGHT |= {"sorted": ["make", "show", "fill"], "line": ["b"]}
RIGHT["whose"] = {"left": "pytorch", "right": "tensorflow", "all": "both", "none": "neither"}
WRONG = {"one": ["blue"], "several": ["c"], "number": "2", "output": "ab", "choice": ["no"]}
WRONG |= {"sorted": ["fill", "make", "show"], "line": ["a"]}
WRONG["whose"] = dict.fromkeys(RIGHT["whose"], "neither") | {"none": "both"}


# Banks: mistakes are told in one line with file, item and reason


def load(folder: Path, content: object) -> Bank:
    path = folder / "1-small" / "quiz.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_bank(path)


def change(where: str, value: object = None) -> dict:
    """SMALL with one value replaced, or taken away; `where` is e.g. items/0/options/1/feedback."""
    content = copy.deepcopy(SMALL)
    *path, last = [int(part) if part.isdigit() else part for part in where.split("/")]
    place = content
    for part in path:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def test_the_small_bank_is_sound(tmp_path):
    assert load(tmp_path, SMALL) == BANK


MISTAKES = {
    "missing feedback": (
        change("items/0/options/1/feedback"),
        "item one: `options.green.feedback` is missing",
    ),
    "empty feedback": (change("items/0/options/1/feedback", " "), "item one: `options.green."),
    "no correct option": (
        change("items/0/options/0", option("red")),
        "item one: no correct option",
    ),
    "two correct options": (
        change("items/0/options/1", option("green", True)),
        "item one: 2 correct options; this item takes at most 1",
    ),
    "nothing wrong to choose": (
        change("items/1/options", [option(name, True) for name in "abc"]),
        "item several: 3 correct options; this item takes at most 2",
    ),
    "duplicate id": (change("items/1/id", "one"), "item one: duplicate id"),
    "duplicate option": (
        change("items/0/options/2", option("green")),
        "item one: duplicate option id `green`",
    ),
    "unknown key": (change("items/0/feedbak", "x"), "item one: unknown key `feedbak`"),
    "unknown key in an option": (
        change("items/0/options/1/points", 3),
        "item one: unknown key `options.green.points`",
    ),
    "unknown key of the bank": (change("author", "x"), "unknown key `author`"),
    "unknown type": (
        change("items/0/type", "essay"),
        "item one: unknown type 'essay'; types: single",
    ),
    "no type": (change("items/0/type"), "item one: `type` is missing"),
    "number typed as text": (change("items/2/answer", "0.5"), "item number: `answer`: "),
    "text typed as number": (change("items/3/answer", 3), "item output: `answer`: "),
    "wrong option without misconception": (
        change("items/0/options/1/misconception"),
        "item one: `options.green`: a wrong option needs its `misconception`",
    ),
    "right option with misconception": (
        change("items/0/options/0/misconception", "x"),
        "item one: `options.red`: a correct option has no `misconception`",
    ),
    "negative tolerance": (change("items/2/tolerance", -1.0), "item number: `tolerance`: "),
    "a right number among the wrong ones": (
        change("items/2/wrong/0/answer", 0.505),
        "item number: `wrong` lists 0.505, which is right",
    ),
    "a right output among the wrong ones": (
        change("items/3/wrong/0/answer", "a  b"),
        "item output: `wrong` lists 'a  b', which is right",
    ),
    "predict without an answer": (
        change("items/3/answer"),
        "item output: a `predict` item has either `answer` or `options`",
    ),
    "code without check": (
        change("items/3/check"),
        "item output: `code` and `check` must be for the same frameworks: see pytorch, tensorflow",
    ),
    "code for both and for one": (
        change("items/3/code/pytorch", "print()"),
        "item output: `code`: `code` has either `both`",
    ),
    "a section without its lesson": (
        change("items/0/section", "A heading"),
        "item one: `section`: ",
    ),
    "a line before what it needs": (
        change("items/5/lines/0", {"id": "make", "code": {"both": "x = 0"}, **needs("fill")}),
        "item sorted: line `make` stands before `fill`, which it is `after`",
    ),
    "a line twice": (change("items/5/lines/1/id", "make"), "item sorted: duplicate line id `make`"),
    "a line that needs another without feedback": (
        change("items/5/lines/1/feedback"),
        "item sorted: `lines.fill`: `after`, `feedback` and `misconception` go together",
    ),
    "a line for another framework": (
        change("items/5/lines/1/code", {"pytorch": "x += [1]"}),
        "item sorted: line `fill` is not for the frameworks of the others",
    ),
    "lines in any order": (
        change("items/5/lines", [{"id": name, "code": {"both": "1"}} for name in "abc"]),
        "item sorted: every order is right; say `after` of a line",
    ),
    "lines without a check": (change("items/5/check"), "item sorted: `code` and `check` must be"),
    "a side that is none": (
        change("items/6/options/0/answer", "jax"),
        "item whose: `options.left.",
    ),
    "statements all alike": (
        change("items/6/options", [statement(name, "both") for name in "abc"]),
        "item whose: all statements have the same answer",
    ),
    "a statement twice": (
        change("items/6/options/1/id", "left"),
        "item whose: duplicate option id `left`",
    ),
    "a marked line that is not in the program": (
        change("items/7/options/2/id", "d"),
        "item line: `options` must name the lines marked in pytorch: A, B, C",
    ),
    "no line is the mistake": (
        change("items/7/options/1", marked("b")),
        "item line: no correct option",
    ),
    "a repair for one framework": (
        change("items/7/repair", {"pytorch": "x += 1"}),
        "item line: `repair` must be for the same frameworks as `code`",
    ),
    "no repair": (change("items/7/repair"), "item line: `repair` is missing"),
    "no explanation": (change("items/0/explanation"), "item one: `explanation` is missing"),
    "the same key twice": (
        "quiz: 1-small\ntitle: One\ntitle: Two\nitems: []\n",
        "quiz.yml:3: broken YAML: the key `title` stands twice",
    ),
    "the same key twice in an option": (
        "quiz: 1-small\nitems:\n  - id: one\n    options:\n      - {id: a, text: A, text: B}\n",
        "quiz.yml:5: broken YAML: the key `text` stands twice",
    ),
    "a key that is a list": ("quiz: 1-small\n[a, b]: 1\n", "quiz.yml:2: broken YAML: "),
    "no items": (change("items", []), "`items`: "),
    "items is no list": (
        change("items", "x"),
        "a bank needs `quiz:`, `title:` and a list `items:`",
    ),
    "an item without id": (change("items/1/id"), "item number 2: `id` is missing"),
    "an item that is text": (change("items/1", "x"), "item number 2: "),
    "another folder's name": (change("quiz", "2-other"), "`quiz: 2-other` must be the name"),
    "broken YAML": ("quiz: 1-small\nitems: [\n", "quiz.yml:3: broken YAML"),
}


@pytest.mark.parametrize(("content", "told"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_in_a_bank_are_told_in_one_line(tmp_path, content, told):
    with pytest.raises(BankError) as caught:
        load(tmp_path, content)
    message = str(caught.value)
    assert told in message
    assert "quiz.yml" in message
    assert len(message.splitlines()) == 1


def test_a_value_taken_over_from_another_place_may_be_replaced(tmp_path):
    """YAML's merge key is no repeated key."""
    path = tmp_path / "some.yml"
    path.write_text("base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\n")
    assert read_yaml(path, BankError)["more"] == {"a": 1, "b": 3}


def test_the_ledger_of_claims_refuses_repeated_keys_too(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text("claims:\n  - id: q1-a\n    verdict: holds\n    verdict: depends\n")
    with pytest.raises(ClaimsError, match=r"claims.yml:4: .*the key `verdict` stands twice"):
        load_claims(path)


def test_an_unknown_quiz_and_an_unknown_item_are_told():
    with pytest.raises(CourseError, match="there is no quiz"):
        tandem.open_quiz("9-none")
    with pytest.raises(CourseError, match="has no item 'nine'; it has: one, several"):
        BANK.item("nine")


# The banks of the course


def is_complete(bank: Bank) -> bool:
    """A question is complete once it has its exercise; until then its bank grows."""
    return (root() / "exercises" / bank.quiz).is_dir()


@each_bank
def test_at_least_half_of_the_items_carry_code(bank):
    assert len(bank.items) <= 14
    assert len(bank.items) >= 10 or not is_complete(bank)
    assert sum(item.code is not None for item in bank.items) * 2 >= len(bank.items)


@each_bank
def test_the_length_of_an_option_does_not_give_it_away(bank):
    """Whoever takes the longest option each time, or the shortest, is right by chance at most."""
    lengths = {item.id: lengths_of(item) for item in bank.items if is_choose_one(item)}
    longest = [name for name, (right, wrong) in lengths.items() if right > max(wrong)]
    shortest = [name for name, (right, wrong) in lengths.items() if right < min(wrong)]
    assert len(longest) * 3 <= len(lengths), longest
    assert len(shortest) * 3 <= len(lengths), shortest
    for name, (right, wrong) in lengths.items():
        assert min(wrong) / 1.4 <= right <= max(wrong) * 1.4, name


def is_choose_one(item: Item) -> bool:
    return isinstance(item, Single) or (isinstance(item, Predict) and item.options is not None)


def lengths_of(item: Single | Predict) -> tuple[int, list[int]]:
    """Length of the right option and of the wrong ones, as a learner sees them."""
    seen = [(entry.correct, len(entry.text.replace("`", ""))) for entry in item.options]
    (right,) = [length for correct, length in seen if correct]
    return right, [length for correct, length in seen if not correct]


@each_bank
def test_every_item_says_what_it_is_about(bank):
    assert [item.id for item in bank.items if not item.topic] == []


@each_bank
def test_the_example_of_how_to_type_a_number_is_nobodys_answer(bank):
    for item in [item for item in bank.items if isinstance(item, Numeric)]:
        with pytest.raises(NotAnAnswer) as asked:
            mark(item, "two")
        examples = re.findall(r"\d+(?:\.\d+)?", str(asked.value))
        assert len(examples) == 2
        for example in examples:
            assert not mark(item, example).correct, item.id
            assert abs(float(example) - item.answer) > 1, item.id
            assert all(float(example) != other.answer for other in item.wrong), item.id


@each_bank
def test_no_text_points_at_a_position(bank):
    """Options are shuffled: 'option B' or 'the first option' would name another one each time."""
    texts = [
        text
        for item in bank.items
        for entry in [*(getattr(item, "options", None) or []), *getattr(item, "wrong", [])]
        for text in (entry.feedback, item.explanation, item.stem, *item.hints)
    ]
    named = re.compile(r"\b[Oo]ption [A-Z1-9]\b|\b(first|second|third|last|above|below) option")
    assert [text for text in texts if named.search(text)] == []


@each_bank
def test_claims_and_sections_exist(bank):
    from tandem.source import read_source

    claims = {claim.id for claim in load_claims(root() / "lessons" / "claims.yml")}
    assert {item.claim for item in bank.items} - {None} <= claims
    known = set()
    for file in sorted((root() / "lessons" / bank.quiz).glob("*.md")):
        cells = read_source(root(), file.relative_to(root())).cells
        text = "\n".join(cell.text for cell in cells if cell.kind == "markdown")
        known |= {f"{file.stem}#{title}" for title in re.findall(r"^#{2,3} (.+)$", text, re.M)}
    assert {item.section for item in bank.items} - known == set()


# Marks

choices = st.sampled_from([item for item in BANK.items if isinstance(item, Single | Many)])


@given(choices, st.data())
def test_order_and_repetition_of_choices_never_change_a_mark(item, data):
    ids = [entry.id for entry in item.options]
    chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    again = data.draw(st.permutations(chosen)) + data.draw(st.lists(st.sampled_from(chosen)))
    assert mark(item, chosen) == mark(item, again)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.data())
def test_many_earns_everything_only_for_exactly_the_right_options(right, wrong, points, data):
    rows = [option(f"r{n}", True) for n in range(right)] + [option(f"w{n}") for n in range(wrong)]
    if len(rows) < 3:
        rows.append(option("w9"))
    item = Many.model_validate({**common("m", "many"), "points": points, "options": rows})
    ids = [row["id"] for row in rows]
    everything = mark(item, ids)
    assert not everything.correct
    assert everything.earned < points
    chosen = data.draw(st.sets(st.sampled_from(ids), min_size=1))
    result = mark(item, sorted(chosen))
    assert 0 <= result.earned <= points
    assert result.correct == (chosen == {name for name in ids if name.startswith("r")})


@given(st.integers(2, 6), st.data())
def test_single_earns_nothing_for_more_than_one_option(size, data):
    rows = [option(f"o{n}", n == 0) for n in range(size)]
    item = Single.model_validate({**common("s", "single"), "options": rows})
    chosen = data.draw(st.sets(st.sampled_from([row["id"] for row in rows]), min_size=1))
    assert mark(item, sorted(chosen)).correct == (chosen == {"o0"})


@given(st.floats(-10, 10))
def test_a_number_is_right_within_the_tolerance_only(number):
    item = BANK.item("number")
    assert isinstance(item, Numeric)
    assert mark(item, repr(number)).correct == (abs(number - 0.5) <= 0.01)


@given(st.lists(st.sampled_from([" ", "\n", "\t"]), min_size=1).map("".join))
def test_white_space_in_an_output_does_not_matter_but_its_absence_does(gap):
    item = BANK.item("output")
    assert mark(item, f"{gap}a{gap}b{gap}").correct
    assert not mark(item, f"a{gap}c").correct
    assert not mark(item, "ab").correct


@pytest.mark.parametrize(
    "typed", ["A, B", "'a', 'b'", '"a" "b"', "`A`\nb,", "\u201ca\u201d, \u2018b\u2019"]
)
def test_commas_quotes_and_capitals_in_an_output_do_not_matter(typed):
    assert mark(BANK.item("output"), typed).correct


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("a, c, b", "`c` is not printed."),
        ("b, a", "These are the right words, but they are printed in another order."),
        ("a b b", "Each of these words is printed, but count how often"),
        ("b", "Each of these words is printed, but count how often"),
        ("A, B, B, A", "Each of these words is printed, but count how often"),
        ("'AB'", "A blank."),
    ],
)
def test_a_wrong_output_is_told_what_is_wrong_with_it(typed, told):
    (remark,) = mark(BANK.item("output"), typed).remarks
    assert remark.feedback.startswith(told)
    assert not remark.right


@given(st.lists(st.tuples(st.sampled_from([*RIGHT]), st.booleans())), st.randoms())
def test_the_order_of_attempts_never_changes_the_score(attempts, rng):
    entries = [
        {"quiz": "1-small", "item": name, "answer": (RIGHT if right else WRONG)[name]}
        for name, right in attempts
    ]
    mixed = entries + entries[:2]  # a retry
    rng.shuffle(mixed)
    before, after = summary(BANK, entries), summary(BANK, mixed)
    assert before.earned == after.earned
    assert before.points == after.points == 9
    assert before.answered == after.answered
    assert before.again == after.again
    assert set(before.later) <= {name for name, right in attempts if right}


@pytest.mark.parametrize("item", BANK.items, ids=lambda item: item.id)
def test_right_earns_everything_wrong_earns_nothing_and_names_its_misconception(item):
    assert mark(item, RIGHT[item.id]).correct
    result = mark(item, WRONG[item.id])
    assert result.earned == 0
    wrong = [remark for remark in result.remarks if not remark.right]
    assert wrong and all(remark.misconception and remark.feedback for remark in wrong)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("one", []),
        ("one", ["gone-since"]),
        ("one", "red"),
        ("number", ""),
        ("number", "half"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", ["0.5"]),
        ("output", " \n"),
        ("output", "','"),
        ("output", ["a b"]),
        ("output", None),
        ("sorted", ["make", "show"]),
        ("sorted", ["make", "show", "show"]),
        ("sorted", [["make"], "show", "fill"]),
        ("sorted", {"make": "1"}),
        ("whose", {"left": "pytorch"}),
        ("whose", dict.fromkeys(["left", "right", "all", "none"], "jax")),
        ("whose", {"left": ["pytorch"], "right": "both", "all": "both", "none": "both"}),
        ("whose", ["left", "right", "all", "none"]),
        ("line", ["d"]),
    ],
)
def test_nothing_to_mark_is_not_a_mistake(name, answer):
    with pytest.raises(NotAnAnswer):
        mark(BANK.item(name), answer)


def test_the_summary_says_where_one_stands():
    entries = [
        {"quiz": "1-small", "item": "one", "answer": ["blue"]},
        {"quiz": "1-small", "item": "one", "answer": ["red"]},
        {"quiz": "1-small", "item": "several", "answer": ["a"]},
        {"quiz": "1-small", "item": "number", "answer": "2"},
        {"quiz": "1-small", "item": "output", "answer": "a b"},
        {"quiz": "2-other", "item": "choice", "answer": ["yes"]},
        {"quiz": "1-small", "item": "left-the-bank", "answer": ["yes"]},
    ]
    now = summary(BANK, entries)
    assert (now.earned, now.points) == (1 + 1 + 0 + 1, 9)
    assert (now.answered, now.items, now.first_try) == (4, 8, 1)
    assert (now.again, now.later) == (["several", "number"], ["one"])


# Controls, without a browser


def view(name: str) -> ItemView:
    return Quiz(BANK, Store()).view(name)


def said(item_view: ItemView) -> str:
    """The words of the feedback and the notes, without markup."""
    text = item_view.feedback.value + item_view.notes.value
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("item", BANK.items, ids=lambda item: item.id)
def test_check_stores_the_answer_and_says_why(item):
    asked = view(item.id)
    asked.control.answer = WRONG[item.id]
    asked.check.click()
    assert "Not yet. 0 of " in said(asked)
    assert mark(item, WRONG[item.id]).remarks[0].feedback in said(asked)
    asked.control.answer = RIGHT[item.id]
    assert said(asked) == "Your answer has changed. Press Check."
    asked.check.click()
    assert f"Correct. {item.points} of {item.points} point" in said(asked)
    assert "Attempt 2." in said(asked)
    assert "Because x says so." in said(asked)
    stored = Store().entries("answers")
    assert [entry["answer"] for entry in stored] == [WRONG[item.id], RIGHT[item.id]]
    assert [entry["earned"] for entry in stored] == [0, item.points]
    assert all(entry["quiz"] == "1-small" and entry["item"] == item.id for entry in stored)


@pytest.mark.parametrize("name", RIGHT)
def test_the_last_answer_is_restored_with_what_was_said(name, own_state):
    asked = view(name)
    for answer in (RIGHT[name], WRONG[name]):
        asked.control.answer = answer
        asked.check.click()
    before = (own_state / "learner.json").read_bytes()
    again = view(name)
    assert again.control.answer == WRONG[name]
    assert said(again) == said(asked)
    assert "Not yet" in said(again)
    assert (own_state / "learner.json").read_bytes() == before


def test_nothing_chosen_is_asked_for_and_not_stored():
    asked = view("one")
    asked.check.click()
    assert said(asked) == "Choose an option first."
    assert Store().entries("answers") == []


def test_a_second_click_is_no_second_attempt():
    asked = view("one")
    asked.control.answer = ["blue"]
    asked.check.click()
    asked.check.click()
    assert len(Store().entries("answers")) == 1
    assert "Attempt 1." in said(asked)


def test_one_choice_lets_go_of_the_other_and_several_do_not():
    one, several = view("one").control, view("several").control
    for box in one._boxes.values():
        box.value = True
    assert len(one.answer) == 1
    for box in several._boxes.values():
        box.value = True
    assert several.answer == ["a", "b", "c", "d"]


def test_hints_come_one_by_one_and_are_told_with_the_answer():
    asked = view("one")
    asked.hint.click()
    assert "First hint." in said(asked)
    assert "Second hint." not in said(asked)
    asked.hint.click()
    asked.hint.click()
    assert "Hint 2: Second hint." in said(asked)
    assert asked.hint.description == "No more hints"
    assert Store().entries("answers") == []
    asked.control.answer = ["red"]
    asked.check.click()
    assert Store().entries("answers")[0]["hints"] == 2


def test_the_explanation_comes_after_an_answer_only():
    asked = view("one")
    asked.explain.click()
    assert "Because" not in said(asked)
    asked.control.answer = ["blue"]
    asked.check.click()
    assert "Because" not in said(asked)
    asked.explain.click()
    assert "Explanation. Because x says so." in said(asked)


def test_part_of_many_says_how_much_is_missing_but_not_what():
    asked = view("several")
    asked.control.answer = ["a", "c"]
    asked.check.click()
    assert "0 of 2 points" in said(asked)
    assert "Right: Why a." in said(asked)
    assert "Not right: Why c." in said(asked)
    assert "Still to be found: 1." in said(asked)
    assert "Why b." not in said(asked)


def test_what_is_said_is_a_status_and_typed_markup_stays_text():
    asked = view("output")
    asked.control.answer = "<b>a</b>"
    asked.check.click()
    assert 'role="status" aria-live="polite"' in asked.feedback.value
    assert "<b>" not in asked.feedback.value
    assert "&lt;b&gt;" in asked.feedback.value


@given(st.text(max_size=8))
def test_the_order_of_options_depends_on_the_seed_alone(seed):
    options = without_key(BANK.item("several")).choices
    order = [entry.id for entry in shuffled(options, seed)]
    assert sorted(order) == ["a", "b", "c", "d"]
    assert order == [entry.id for entry in shuffled(options, seed)]


def test_two_learners_see_different_orders():
    options = without_key(BANK.item("several")).choices
    orders = {tuple(entry.id for entry in shuffled(options, str(n))) for n in range(50)}
    assert len(orders) > 10


@each_bank
def test_every_item_of_the_course_can_be_asked_and_answered(bank):
    quiz = Quiz(bank, Store())
    for item in bank.items:
        asked = quiz.view(item.id)
        asked.control.answer = key(item)
        asked.check.click()
        assert "Correct." in said(asked), item.id
    assert summary(bank, Store().entries("answers")).first_try == len(bank.items)
    assert f"{len(bank.items)} right at first try" in quiz.summary_html()


def test_the_summary_says_in_words_what_to_look_at_again_and_links_to_sections():
    asked, number = view("one"), view("number")
    asked.control.answer, number.control.answer = ["blue"], "2"
    asked.check.click()
    number.check.click()
    shown = Quiz(BANK, Store()).summary_html()
    assert "0 of 9 points" in shown
    assert "<p>Look again at:</p><ul><li>question 1, which <code>colour</code>: read " in shown
    assert '<a href="first_steps.pytorch.ipynb#A-heading">PyTorch</a>' in shown
    assert '<li>question 3: read <em>Numbers</em> in <a href="first_steps.py' in shown
    assert "press the link again" in shown
    assert "Right at a later try" not in shown
    assert "believes" not in shown and "inverted" not in shown, "tags are for authors"
    asked.control.answer = ["red"]
    asked.check.click()
    again, later = Quiz(BANK, Store()).summary_html().split("Right at a later try:")
    assert "question 3" in again and "question 1" not in again
    assert "question 1" in later


def vote(name: str) -> VoteView:
    return VoteView("1-small", BANK.item(name), Store())


def test_a_vote_says_nothing_of_the_answer_until_it_is_revealed():
    asked = vote("one")
    asked.control.answer = ["blue"]
    asked.vote.click()
    assert "Vote 1 is kept." in asked.feedback.value and "Why" not in asked.feedback.value
    asked.control.answer = ["red"]
    asked.vote.click()
    asked.vote.click()  # the same vote is no new one
    assert "Vote 2 is kept." in asked.feedback.value
    asked.reveal.click()
    assert "Correct." in asked.feedback.value and "Why red." in asked.feedback.value
    assert asked.vote.disabled and asked.reveal.disabled
    entries = Store().entries("votes")
    assert [entry.get("answer") for entry in entries] == [["blue"], ["red"], None]
    assert Store().entries("answers") == [], "a vote is no attempt"


def test_a_vote_and_its_end_outlive_a_restart():
    asked = vote("one")
    asked.control.answer = ["blue"]
    asked.vote.click()
    assert vote("one").control.answer == ["blue"]
    assert not vote("one").vote.disabled
    asked.reveal.click()
    again = vote("one")
    assert again.vote.disabled and "Why blue." in again.feedback.value


def test_no_vote_can_be_revealed_or_kept_empty():
    asked = vote("one")
    asked.reveal.click()
    assert "Vote first." in asked.feedback.value
    asked.vote.click()
    assert "Choose an option first." in asked.feedback.value
    assert Store().entries("votes") == []


def test_how_sure_one_was_is_kept_shown_and_never_scored():
    quiz = Quiz(BANK.model_copy(update={"confidence": True}), Store())
    for name, level in (("one", "certain"), ("number", "guess"), ("output", "")):
        asked = quiz.view(name)
        asked.sure.value = level
        asked.control.answer = RIGHT[name] if name == "one" else WRONG[name]
        asked.check.click()
    stored = {entry["item"]: entry.get("confidence") for entry in Store().entries("answers")}
    assert stored == {"one": "certain", "number": "guess", "output": None}
    told = "Right at first try, by how sure you were: a guess: 0 of 1; certain: 1 of 1."
    assert told in quiz.summary_html()
    assert summary(BANK, Store().entries("answers")).earned == 1


def test_how_sure_is_asked_only_where_the_bank_says_so():
    def asks(confidence: bool) -> bool:
        bank = BANK.model_copy(update={"confidence": confidence})
        asked = Quiz(bank, Store()).view("one")
        return any(asked.sure in getattr(part, "children", ()) for part in asked.widget.children)

    assert asks(True) and not asks(False)


def test_code_and_links_in_a_text_are_shown_and_nothing_else_is():
    shown = inline("`a < b` and [a *paper*](https://example.org/x?y=1#z), `[no](https://link)`")
    assert shown == (
        "<code>a &lt; b</code> and "
        '<a href="https://example.org/x?y=1#z" target="_blank" rel="noopener">a *paper*</a>, '
        "<code>[no](https://link)</code>"
    )
    for text in ("[x](javascript:run)", '[x](https://a"onclick="b)', "<b>x</b>"):
        assert "<a" not in inline(text) and "<b" not in inline(text)


def test_answers_of_another_shape_in_the_store_do_not_stop_a_quiz():
    for answer in (["gone-since"], None, 3, "red"):
        Store().append("answers", {"quiz": "1-small", "item": "one", "answer": answer})
    assert view("one").control.answer == []
    assert marks_of("1-small", BANK.item("one"), Store().entries("answers")) == []


# The notebook


@each_bank
def test_the_notebook_is_valid_and_always_the_same(bank):
    notebook = quiz_notebook(bank, "lessons/x/quiz.yml")
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) == nbformat.writes(quiz_notebook(bank, "lessons/x/quiz.yml"))
    ids = [cell.id for cell in notebook.cells]
    assert notebook.metadata.tandem == {"source": "lessons/x/quiz.yml"}
    assert ids[:2] == ["title", "begin"]
    assert ids[-3:] == ["end", "summary", "ways"]
    for item in bank.items:
        assert f"{item.id}-question" in ids
        answer = notebook.cells[ids.index(f"{item.id}-answer")]
        assert answer.source.endswith(f'\nquiz.ask("{item.id}")')
        assert answer.metadata.jupyter.source_hidden
        assert not answer.metadata.deletable  # keys pressed on an option reach JupyterLab, too
        assert not answer.metadata.editable
        assert answer.outputs == []


@each_bank
def test_the_notebook_leads_to_home_lessons_and_exercise_from_both_ends(bank):
    folder = root() / "lessons" / bank.quiz
    notebook = quiz_notebook(bank, "lessons/x/quiz.yml", exercise=is_complete(bank))
    cells = {cell.id: cell.source for cell in notebook.cells}
    here = {path.name for path in folder.glob("*.pytorch.ipynb")}
    for text in (cells["title"], cells["ways"]):
        links = re.findall(r"\]\(([^)]+)\)", text)
        assert "../home.ipynb" in links
        assert {link for link in links if link.endswith(".pytorch.ipynb")} == here
        for framework in FRAMEWORKS:
            leads_on = f"../../exercises/{bank.quiz}/{framework}.ipynb" in links
            assert leads_on == is_complete(bank)
        assert [link for link in links if not (folder / link).is_file()] == []


def test_programs_stand_side_by_side_as_code_where_markdown_is_commonmark():
    """On GitHub, for one. JupyterLab's own rendering is checked in the browser."""
    notebook = quiz_notebook(BANK, "lessons/x/quiz.yml")
    cell = next(cell for cell in notebook.cells if cell.id == "choice-question")
    page = MarkdownIt("commonmark").render(cell.source)
    assert re.sub(r'<code class="[\w-]+">', "<code>", page).count("<pre><code>print(") == 2
    assert re.findall(r"</?t[dr]\b", page).count("<td") == 2
    assert "```" not in page


@each_bank
def test_the_notebook_holds_no_key(bank):
    text = nbformat.writes(quiz_notebook(bank, "lessons/x/quiz.yml"))
    for item in bank.items:
        secrets = [item.explanation, *item.hints]
        for entry in [*(getattr(item, "options", None) or []), *getattr(item, "wrong", [])]:
            secrets += [entry.feedback, entry.misconception or entry.feedback]
        assert [secret for secret in secrets if secret in text] == []
        for check in (item.check.programs if item.check else {}).values():
            assert not [line for line in check.splitlines() if line.strip()[8:] and line in text]


@pytest.mark.slow
def test_running_the_notebook_twice_leaves_the_store_as_it_is(own_state):
    name = BANKS[0].quiz
    quiz = tandem.open_quiz(name)
    asked = quiz.view("grads-accumulate")
    asked.control.answer = ["three-three"]
    asked.check.click()
    before = (own_state / "learner.json").read_bytes()
    for _ in range(2):
        notebook = quiz_notebook(quiz.bank, f"lessons/{name}/quiz.yml")
        folder = root() / "lessons" / name
        NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        ).execute(env={**os.environ, "PYTHONPATH": str(root())})
        summed = next(cell for cell in notebook.cells if cell.id == "summary")
        assert "1 of 14 questions answered" in summed.outputs[0]["data"]["text/html"]
        assert (own_state / "learner.json").read_bytes() == before
