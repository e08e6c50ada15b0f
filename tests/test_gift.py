"""GIFT read back by a small reader of its own, which knows nothing of the writer."""

import html
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_quiz import BANK, SMALL, common, needs

from tandem.course import root
from tandem.quiz.gift import escaped, gift
from tandem.quiz.markup import inline
from tandem.quiz.model import Bank, load_bank
from tandem.quiz.scoring import mark

# The reader: escapes first become private letters, then the text is cut at what is left

HIDDEN = {sign: chr(0xE000 + n) for n, sign in enumerate("\\~=#{}:n")}


@dataclass
class Question:
    name: str
    stem: str
    numeric: bool
    answers: list[tuple[str, str, str]]  # sign with weight, text, feedback
    reason: str


def hide(text: str) -> str:
    return re.sub(r"\\([\\~=#{}:n])", lambda found: HIDDEN[found[1]], text)


def shown(text: str) -> str:
    for sign, letter in HIDDEN.items():
        text = text.replace(letter, "\n" if sign == "n" else sign)
    return text.strip()


def read(text: str) -> list[Question]:
    found = []
    for block in re.split(r"\n\s*\n", text):
        block = "\n".join(line for line in block.splitlines() if not line.startswith("//"))
        if block.strip():
            name, stem, inside = re.fullmatch(
                r"::(.+?)::\[html\]([^{}]*)\{([^{}]*)\}", hide(block).strip(), re.DOTALL
            ).groups()
            answers, reason = inside.split("####")
            rows = re.findall(r"([~=](?:%-?[\d.]+%)?)([^~=#]*)(?:#([^~=#]*))?", answers[1:])
            rows = [(sign, shown(told), shown(why)) for sign, told, why in rows]
            numeric = answers.startswith("#")
            found.append(Question(shown(name), shown(stem), numeric, rows, shown(reason)))
    return found


def question(name: str) -> Question:
    return next(each for each in read(gift(BANK)) if each.name == name)


def banks() -> list[Bank]:
    return [BANK, *map(load_bank, sorted(root().glob("lessons/*/quiz.yml")))]


def plain(text: str) -> str:
    """What a browser shows of it."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


# Escapes


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Co"])))
def test_whatever_is_escaped_comes_back_and_stands_on_one_line(text):
    told = escaped(text)
    assert not re.search(r"[\r\n]", told)
    assert shown(hide(told)) == re.sub("\r\n?", "\n", text).strip()
    assert not re.search(r"[~=#{}:]", hide(told))


SIGNS = st.text(alphabet="\\~=#{}:n[]%/*<>&-ab \n", min_size=1).filter(str.strip)


@given(SIGNS, SIGNS, SIGNS)
def test_no_text_of_an_item_is_read_as_a_sign(stem, right, why):
    item = {
        **common("one", "single"),
        "stem": stem,
        "explanation": why,
        "options": [
            {"id": "a", "text": right, "correct": True, "feedback": why},
            {"id": "b", "text": why, "feedback": stem, "misconception": "m"},
        ],
    }
    bank = Bank.model_validate({**SMALL, "items": [item]})
    (found,) = read(gift(bank))
    (first, text, feedback), (second, *_) = found.answers
    assert (first, second) == ("=", "~%0%")
    option = bank.items[0].options[0]
    assert text == f"<p>{inline(option.text)}</p>"
    assert feedback == found.reason == f"<p>{inline(option.feedback)}</p>"


# Keys


@pytest.mark.parametrize("bank", banks(), ids=lambda bank: bank.quiz)
def test_every_item_of_every_bank_is_there_once_and_can_be_answered_in_full(bank):
    found = read(gift(bank))
    assert [each.name for each in found] == [item.id for item in bank.items]
    for each, item in zip(found, bank.items, strict=True):
        assert plain(each.reason).startswith(plain(inline(item.explanation)))
        assert (item.type == "match") == all("->" in text for _, text, _ in each.answers)
        if item.type not in ("match", "predict"):  # a prediction may have two right spellings
            weights = [float(sign.strip("~=%") or 100) for sign, *_ in each.answers]
            assert sum(weight for weight in weights if weight > 0) == pytest.approx(100, abs=1e-3)


def test_one_of_several_and_the_options_of_a_prediction_are_multiple_choice():
    found = question("one")
    assert [(sign, plain(text), plain(why)) for sign, text, why in found.answers] == [
        ("=", "The red one", "Why red."),
        ("~%0%", "The green one", "Why green."),
        ("~%0%", "The blue one", "Why blue."),
    ]
    assert [sign for sign, *_ in question("choice").answers] == ["=", "~%0%"]


@pytest.mark.parametrize("right", range(1, 7))
def test_weights_of_many_are_those_that_moodle_knows_and_mark_as_the_course_does(right):
    names = "abcdefg"
    options = [
        {"id": n, "text": n, "feedback": n}
        | ({"correct": True} if place < right else {"misconception": "m"})
        for place, n in enumerate(names)
    ]
    item = {**common("several", "many"), "options": options}
    bank = Bank.model_validate({**SMALL, "items": [item]})
    (found,) = read(gift(bank))
    weights = {plain(text): float(sign.strip("~%")) / 100 for sign, text, _ in found.answers}
    assert not [1 for sign, *_ in found.answers if sign.startswith("=")]
    known = [1, 0.5, 0.3333333, 0.25, 0.2, 0.1666667]  # of Moodle's list of grades
    assert {round(abs(weight), 7) for weight in weights.values()} <= set(known)
    for chosen in ("a", "ag", "abc", names, names[:right]):
        moodles = max(0, sum(weights[n] for n in chosen))
        assert moodles == pytest.approx(mark(bank.items[0], list(chosen)).earned, abs=1e-5)


def test_a_number_has_its_tolerance_and_the_foreseen_wrong_ones_their_feedback():
    found = question("number")
    assert found.numeric
    assert [(s, t, plain(f)) for s, t, f in found.answers] == [
        ("=%100%", "0.5:0.01", ""),
        ("=%0%", "2:0.01", "Upside down."),
    ]


def test_a_typed_output_is_a_short_answer_on_one_line():
    found = question("output")
    assert [(s, t, plain(f)) for s, t, f in found.answers] == [
        ("=%100%", "[plain]a b", ""),
        ("=%0%", "[plain]ab", "A blank."),
    ]
    assert "on one line" in found.stem
    assert "<pre>print('a', 'b')</pre>" in found.stem


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[1,\n 2]", ["[1, 2]", "[1 2]"]),
        ("A -> *", ["A -*> \\*"]),
        ("a=b: {#~}\\", ["a=b: {#~}\\"]),
        ("'x'", ["'x'", "x"]),
    ],
)
def test_outputs_are_accepted_as_printed_and_without_commas_and_quotes(answer, expected):
    raw = next(item for item in SMALL["items"] if item["id"] == "output")
    bank = Bank.model_validate({**SMALL, "items": [{**raw, "answer": answer, "wrong": []}]})
    (found,) = read(gift(bank))
    assert [text for _, text, _ in found.answers] == [f"[plain]{text}" for text in expected]


def test_a_match_item_pairs_statements_with_sides_and_offers_every_side():
    assert [plain(text).replace(" -> ", "|") for _, text, _ in question("whose").answers] == [
        "The left one|PyTorch",
        "The right one|TensorFlow",
        "The all one|both",
        "The none one|neither",
    ]
    assert "Why left." in question("whose").reason
    raw = next(item for item in SMALL["items"] if item["id"] == "whose")
    bank = Bank.model_validate({**SMALL, "items": [{**raw, "options": raw["options"][:3]}]})
    (found,) = read(gift(bank))
    assert found.answers[-1][1] == "-> neither"


def test_an_order_item_asks_for_a_right_order_beside_one_for_each_early_line():
    raw = next(item for item in SMALL["items"] if item["id"] == "sorted")
    chain = [raw["lines"][0], raw["lines"][1], {**raw["lines"][2], **needs("fill")}]
    for lines in (raw["lines"], chain):
        bank = Bank.model_validate({**SMALL, "items": [{**raw, "lines": lines}]})
        (found,) = read(gift(bank))
        shown_lines = re.findall(r"<p>([A-E])</p>.*?<pre>(.*?)</pre>", found.stem)
        code = {letter: html.unescape(text) for letter, text in shown_lines}
        ids = {line.code.both: line.id for line in bank.items[0].lines}
        assert len(found.answers) == 3
        for sign, text, why in found.answers:
            result = mark(bank.items[0], [ids[code[letter]] for letter in plain(text).split(", ")])
            assert result.correct == (sign == "=")
            assert plain(why) == result.remarks[0].feedback


def test_spot_asks_for_the_line():
    assert [(s, plain(t)) for s, t, _ in question("line").answers] == [
        ("~%0%", "A: x += 1"),
        ("=", "B: x -= 1"),
        ("~%0%", "C: print(x)"),
    ]
    assert "x = 1\nx += 1  # A\n" in question("line").stem


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("Take $x_1 < 2$ and `$HOME`.", r"<p>Take \(x_1 &lt; 2\) and <code>$HOME</code>.</p>"),
        ("$$x$$ here\n\nand there", "<p>$$x$$ here</p><p>and there</p>"),
    ],
)
def test_formulas_and_paragraphs_of_a_stem(stem, expected):
    raw = SMALL["items"][0]
    bank = Bank.model_validate({**SMALL, "items": [{**raw, "stem": stem}]})
    assert read(gift(bank))[0].stem == expected
