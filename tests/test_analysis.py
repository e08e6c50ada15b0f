"""What instructors learn of a class: the numbers, computed here a second time, and the guards."""

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from statistics import correlation as pearson

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_quiz import BANK, RIGHT, WRONG

from tandem.course import CourseError
from tandem.quiz.analysis import correlation, fisher, item_analysis, tally, wilson
from tandem.quiz.learners import read_learners
from tandem.quiz.model import practice_bank
from tandem.quiz.scoring import KIND, VOTES, mark, parts
from tandem.store import Store

ORDER = [item.id for item in BANK.items]


def answered(item: str, answer: object, second: int = 0, **more: object) -> dict:
    time = f"2026-01-01T00:00:{second:02}+00:00"
    return {"time": time, "quiz": BANK.quiz, "item": item, "answer": answer, **more}


def learner(right: str, wrong: str = "", **more: object) -> list[dict]:
    """Right at first try in the items of these places, wrong in those."""
    entries = [answered(ORDER[int(n)], RIGHT[ORDER[int(n)]], **more) for n in right]
    return entries + [answered(ORDER[int(n)], WRONG[ORDER[int(n)]], **more) for n in wrong]


# 12 learners: item 0 is hard and tells the good ones, item 3 is easy, item 4 is the wrong way round
CLASS = [
    *[learner("0235", "4") for _ in range(4)],
    *[learner("23", "045") for _ in range(3)],
    *[learner("34", "025") for _ in range(5)],
]


def report(item: str, learners: list[list[dict]] = CLASS):
    return next(each for each in item_analysis(BANK, learners) if each.item == item)


# The numbers


def test_difficulty_is_the_mean_share_at_first_try_with_wilsons_interval():
    found = report("one")
    assert (found.learners, found.difficulty) == (12, 4 / 12)
    # Wilson's interval of 4 in 12, from its definition: |p - share| = z * sqrt(p(1 - p)/n)
    for p in found.difficulty_interval:
        assert abs(p - 4 / 12) == pytest.approx(1.959964 * (p * (1 - p) / 12) ** 0.5, abs=1e-6)
    assert wilson(0, 10)[0] == pytest.approx(0)
    assert wilson(1, 10)[1] == pytest.approx(1)


def test_only_the_first_answer_that_can_be_marked_counts():
    entries = [
        answered("one", ["gone"], 1),
        answered("one", ["blue"], 2),
        answered("one", ["red"], 3),
    ]
    found = report("one", [entries])
    assert (found.learners, found.difficulty) == (1, 0)


def test_partial_points_count_as_a_share():
    learners = [[answered("several", ["a"])], [answered("several", ["a", "b"])]]
    assert report("several", learners).difficulty == 0.75


def test_discrimination_is_the_correlation_with_the_points_in_the_other_items():
    for item, place in (("one", 0), ("choice", 4), ("number", 2)):
        rows = ["0235"] * 4 + ["23"] * 3 + ["34"] * 5
        own = [float(str(place) in row) for row in rows]
        rest = [float(len(row) - (str(place) in row)) for row in rows]
        assert report(item).discrimination == pytest.approx(pearson(own, rest))
    assert report("output").discrimination is None  # all right: nothing varies


def test_fishers_interval():
    low, high = fisher(0.5, 28)  # a textbook's: z = 0.5493, 1.96 / 5
    assert (low, high) == (pytest.approx(0.1559, abs=1e-3), pytest.approx(0.7357, abs=1e-3))
    assert fisher(0.5, 3) is None
    assert fisher(1.0, 20) is None
    assert correlation([(1, 1), (2, 2)]) is None


def test_shares_name_each_answer_with_its_misconception():
    shares = {each.part: each for each in report("one").shares}
    assert (shares["red"].learners, shares["red"].right) == (4, True)
    assert (shares["blue"].learners, shares["blue"].share) == (8, 8 / 12)
    assert shares["blue"].misconception == "believes-blue"
    assert shares["green"].learners == 0


@pytest.mark.parametrize("item", BANK.items, ids=lambda item: item.id)
def test_every_part_of_every_answer_is_one_of_the_items_parts(item):
    known = parts(item)
    unforeseen = ["7"] if isinstance(RIGHT[item.id], str) else []
    for answer in [RIGHT[item.id], WRONG[item.id], *unforeseen]:
        for remark in mark(item, answer).remarks:
            assert known[remark.part] == (remark.right, remark.misconception)


def test_certain_and_wrong_is_counted():
    learners = [
        learner("0", confidence="certain"),
        *[learner("", "0", confidence="certain")] * 2,
        learner("", "0", confidence="guess"),
        learner("", "0"),
    ]
    found = report("one", learners)
    assert (found.certain, found.certain_wrong) == (3, 2)


# The verdicts


def test_an_item_that_does_not_work_is_named_in_words():
    assert report("output").verdicts == ["too easy"]
    chosen = report("choice")
    assert chosen.discrimination_interval[1] < 0
    assert chosen.verdicts == ["those who did better elsewhere did worse here"]
    assert report("one").verdicts == ["nobody chose green"]
    assert report("sorted").verdicts == []
    hard = [learner("", "0")] * 10
    assert report("one", hard).verdicts == ["too hard", "nobody chose green"]


def test_a_discrimination_that_may_be_chance_is_called_so():
    found = report("one", [learner("02", "3"), learner("3", "02"), learner("23", "0")] * 4)
    assert found.discrimination < 0 <= found.discrimination_interval[1]
    assert "those who did better elsewhere did worse here (maybe by chance)" in found.verdicts


def test_a_class_of_nine_gets_numbers_and_no_verdict():
    nine, ten = [learner("", "0")] * 9, [learner("", "0")] * 10
    assert report("one", nine).verdicts is None
    assert report("one", nine).difficulty == 0
    assert report("one", ten).verdicts
    # It is the answers to the item that count, not the size of the class.
    assert report("one", [*nine, *[learner("3")] * 9]).verdicts is None


def test_nobody_has_answered_is_told():
    with pytest.raises(CourseError, match="nobody in this class has answered 1-small"):
        item_analysis(BANK, [[], [{**answered("one", ["red"]), "quiz": "2-other"}]])


# Votes


def vote(*answers: object) -> list[dict]:
    return [answered("one", answer, n) for n, answer in enumerate(answers)]


def test_the_tally_compares_the_first_vote_with_the_last_before_the_answer_was_revealed():
    revealed = {**answered("one", None, 5), "revealed": True}
    learners = [
        vote(["blue"], ["red"]),
        vote(["blue"], ["green"], ["red"]),
        vote(["red"]),
        [*vote(["blue"]), revealed, answered("one", ["red"], 6)],
        [answered("several", ["a"])],
    ]
    found = tally(BANK.quiz, BANK.item("one"), learners)
    assert (found.voters, found.voted_again) == (4, 2)
    assert (found.right_first, found.right_last) == (0.25, 0.75)
    assert {s.part: s.share for s in found.first} == {"red": 0.25, "green": 0, "blue": 0.75}
    assert {s.part: s.share for s in found.last} == {"red": 0.75, "green": 0, "blue": 0.25}


def test_nobody_has_voted_is_told():
    with pytest.raises(CourseError, match="nobody in this class has voted on one of 1-small"):
        tally(BANK.quiz, BANK.item("one"), [vote(["gone"]), []])


# The order of files and entries never changes the result

ANSWERS = [(item, given[item]) for item in ORDER for given in (RIGHT, WRONG)]
ENTRIES = st.lists(st.sampled_from(ANSWERS), max_size=8).map(
    lambda found: [answered(*each, second) for second, each in enumerate(found)]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRIES, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_learners_and_entries_never_changes_the_result(learners, rng):
    learners = [*learners, learner("0")]
    mixed = [rng.sample(entries, len(entries)) for entries in learners]
    rng.shuffle(mixed)
    assert item_analysis(BANK, learners) == item_analysis(BANK, mixed)
    one = BANK.item("one")
    assert tally(BANK.quiz, one, learners) == tally(BANK.quiz, one, mixed)


# The files


def hand_in(folder: Path, name: str, who: str, kind: str, entries: list[dict]) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "learner": who, "entries": {kind: entries}}))
    return file


def test_files_of_any_name_in_sub_folders_are_read_and_one_learner_counts_once(tmp_path):
    hand_in(tmp_path, "a.json", "x", KIND, vote(["blue"]))
    hand_in(tmp_path, "deep/er/learner.json", "y", KIND, vote(["red"]))
    hand_in(tmp_path, "copy/a.json", "x", KIND, vote(["blue"], ["red"]))
    (tmp_path / "notes.txt").write_text("no")
    learners, skipped = read_learners(tmp_path)
    assert (len(learners), skipped) == (2, [])
    assert report("one", [entries[KIND] for entries in learners]).difficulty == 0.5


def test_a_file_that_the_store_wrote_is_read(own_state):
    Store().append(KIND, {"quiz": BANK.quiz, "item": "one", "answer": ["red"]})
    learners, skipped = read_learners(own_state)
    assert skipped == []
    assert report("one", [entries[KIND] for entries in learners]).difficulty == 1


def test_the_names_of_the_files_never_change_the_result(tmp_path):
    names = ["a.json", "b/c.json", "d.json", "z.json"]
    found = []
    for number, order in enumerate(itertools.permutations(range(4), 4)):
        if number % 6 == 0:
            for name, who in zip(names, order, strict=True):
                hand_in(tmp_path / str(number), name, f"learner {who}", KIND, CLASS[3 * who])
            learners, _ = read_learners(tmp_path / str(number))
            found.append(item_analysis(BANK, [entries[KIND] for entries in learners]))
    assert all(each == found[0] for each in found)


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b'{"schema": 2, "learner": "x", "entries": {}}',
    b'{"schema": 1, "learner": 3, "entries": {}}',
    b'{"schema": 1, "learner": "x", "entries": []}',
    b'{"schema": 1, "learner": "x", "entries": {"answers": [3]}}',
    b'{"schema": 1, "learner": "x", "entries": {"answers": [{"time": 3}]}}',
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_skipped_and_named(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(CourseError, match=r"no learner's file .* in it; 1 damaged"):
        read_learners(tmp_path)
    hand_in(tmp_path, "good.json", "x", KIND, [])
    learners, (line,) = read_learners(tmp_path)
    assert len(learners) == 1
    assert line == f"{tmp_path / 'bad.json'}: skipped, it is damaged or no learner's file"


@pytest.mark.parametrize("answer", [None, 3, [3], [["red"]], {"red": []}, "red", [], {}, True])
def test_an_answer_of_no_known_form_is_no_answer(answer):
    rows = [answered(item, answer) for item in ORDER if BANK.item(item).type != "predict"]
    learners = [[*rows, answered("line", ["b"])]]
    assert [each.learners for each in item_analysis(BANK, learners)].count(1) == 1


# The commands


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", "quiz", *map(str, arguments)],
        env={**os.environ, "COLUMNS": "200", "TANDEM_COURSE": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


QUIZ, ITEM = "1-philosophy", "grads-accumulate"


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """A class of ten: everyone chose wrong, then right."""
    rng, names = random.Random(0), [option.id for option in practice_bank(QUIZ).item(ITEM).options]
    for who in range(10):
        entries = [
            {"time": f"2026-01-01T00:00:0{n}+00:00", "quiz": QUIZ, "item": ITEM, "answer": [option]}
            for n, option in enumerate([rng.choice(names[1:3]), names[0]])
        ]
        for kind in (KIND, VOTES):
            hand_in(tmp_path / "class" / kind, f"{who}.json", f"secret-{who}", kind, entries)
    return tmp_path / "class"


def test_items_prints_tables_and_names_no_learner(collected):
    result = run("items", QUIZ, collected)
    assert result.returncode == 0, result.stderr
    assert "too hard; nobody chose three-six" in result.stdout
    assert "0.00 (0.00 to 0.28)" in result.stdout
    assert "grads-overwritten" in result.stdout
    assert "secret" not in result.stdout + result.stderr


def test_items_as_json_with_a_damaged_file_named_beside_it(collected):
    (collected / "bad.json").write_text("{")
    result = run("items", QUIZ, collected, "--json")
    rows = {row["item"]: row for row in json.loads(result.stdout)}
    assert (rows[ITEM]["learners"], rows[ITEM]["difficulty"]) == (10, 0)
    assert rows["print-when"]["learners"] == 0
    assert result.returncode == 0
    assert result.stderr.count("\n") == 1
    assert "bad.json: skipped" in result.stderr
    assert "secret" not in result.stdout


def test_tally_prints_a_table_or_json(collected):
    result = run("tally", QUIZ, ITEM, collected)
    assert "10 voted, 10 of them again; all right: 0%, then 100%" in result.stdout
    found = json.loads(run("tally", QUIZ, ITEM, collected, "--json").stdout)
    assert [each["share"] for each in found["last"]] == [1, 0, 0, 0]
    assert found["first"][0]["share"] == 0


def test_gift_writes_the_practice_bank(tmp_path):
    file = tmp_path / "quiz.txt"
    assert run("gift", QUIZ, file).returncode == 0
    assert f"::{ITEM}::[html]" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("items", "9-none", "{class}"), "there is no quiz '9-none'"),
        (("gift", "../lessons/1-philosophy", "{class}/x"), "there is no quiz"),
        (("gift", QUIZ, "{class}"), "no file in a folder that is there"),
        (("gift", QUIZ, "{class}/none/x.txt"), "no file in a folder that is there"),
        (("tally", QUIZ, "nine", "{class}"), "has no item 'nine'"),
        (("tally", QUIZ, "print-when", "{class}"), "nobody in this class has voted on print-when"),
        (("items", "2-research", "{class}"), "nobody in this class has answered 2-research"),
        (("items", QUIZ, "{class}/none"), "there is no such folder"),
        (("items", QUIZ, "{empty}"), "no learner's file"),
    ],
)
def test_a_mistake_is_one_line(collected, tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    filled = [a.format(**{"class": collected, "empty": tmp_path / "empty"}) for a in arguments]
    result = run(*filled)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
