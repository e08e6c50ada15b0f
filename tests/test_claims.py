"""The ledger of claims: sound rows, told mistakes, nothing that no lesson or item deals with."""

import copy
from pathlib import Path

import pytest
import yaml

from tandem.claims import Claim, ClaimsError, load_claims
from tandem.course import root
from tandem.quiz.model import load_bank
from tandem.source import lessons

LEDGER = root() / "lessons" / "claims.yml"
ROW = {
    "id": "q1-small",
    "question": 1,
    "paraphrase": "Small things are fast.",
    "kind": "measured",
    "verdict": "depends",
    "finding": "Some are.",
    "sources": ["https://example.org/small"],
    "tested_by": ["quiz:small", "some_lesson#Some heading"],
}


def load(folder: Path, content: object) -> list[Claim]:
    path = folder / "claims.yml"
    dated = "date: 2026-11-23"
    text = yaml.safe_dump(content, sort_keys=False).replace("date: DATE", dated)
    path.write_text(text)
    return load_claims(path)


def row(**changes: object) -> dict:
    """The sound row with some values replaced; None takes a value away."""
    changed = {**copy.deepcopy(ROW), "date": "DATE", **changes}
    return {key: value for key, value in changed.items() if value is not None}


def test_a_sound_row_is_read(tmp_path):
    (claim,) = load(tmp_path, {"claims": [row()]})
    assert claim.id == "q1-small"
    assert claim.date.isoformat() == "2026-11-23"


MISTAKES = {
    "unknown verdict": (row(verdict="true"), "claim q1-small: `verdict`: "),
    "unknown kind": (row(kind="guessed"), "claim q1-small: `kind`: "),
    "missing finding": (row(finding=None), "claim q1-small: `finding` is missing"),
    "unknown key": (row(verdicts="x"), "claim q1-small: unknown key `verdicts`"),
    "no date": (row(date="soon"), "claim q1-small: `date`: "),
    "source is no address": (row(sources=["the paper"]), "claim q1-small: `sources.0`: "),
    "reference of no kind": (row(tested_by=["somewhere"]), "claim q1-small: `tested_by.0`: "),
    "measured by nothing": (row(tested_by=[]), "claim q1-small: a measured claim needs"),
    "sourced by nothing": (row(kind="sourced", sources=[]), "claim q1-small: a sourced claim"),
    "judged on nothing": (
        row(kind="judgement", sources=[], tested_by=[]),
        "claim q1-small: a claim needs `tested_by` or `sources`",
    ),
    "another question": (row(question=2), "claim q1-small: `id` must start with q2-"),
    "no id": (row(id=None), "claim number 1: `id` is missing"),
    "a row that is text": ("x", "claim number 1: "),
}


@pytest.mark.parametrize(("content", "told"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_in_a_row_are_told_in_one_line(tmp_path, content, told):
    with pytest.raises(ClaimsError) as caught:
        load(tmp_path, {"claims": [content]})
    assert told in str(caught.value)
    assert "claims.yml" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_two_rows_of_one_id_are_told(tmp_path):
    with pytest.raises(ClaimsError, match="claim q1-small: duplicate id"):
        load(tmp_path, {"claims": [row(), row()]})


@pytest.mark.parametrize("content", [[], {"claims": {}}, {"claims": [], "more": 1}, "x"])
def test_another_shape_is_told(tmp_path, content):
    with pytest.raises(ClaimsError, match="the ledger is one list"):
        load(tmp_path, content)


def test_broken_yaml_is_told_with_its_line(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text("claims:\n  - id: [\n")
    with pytest.raises(ClaimsError, match=r"claims.yml:3: broken YAML"):
        load_claims(path)


# The ledger of the course


def test_every_claim_is_dealt_with_and_every_reference_exists():
    claims, all_lessons = load_claims(LEDGER), lessons(root())
    for question in {claim.question for claim in claims}:
        known = set()
        for lesson in all_lessons:
            if lesson.head.question == question:
                lines = "\n".join(c.text for c in lesson.cells if c.kind == "markdown").splitlines()
                titles = [line.lstrip("#").strip() for line in lines if line.startswith("##")]
                known |= {f"{lesson.name}#{title}" for title in titles}
        for path in root().glob(f"lessons/{question}-*/quiz.yml"):
            known |= {f"quiz:{item.id}" for item in load_bank(path).items}
        for claim in claims:
            if claim.question == question:
                assert claim.tested_by, f"{claim.id}: no lesson and no quiz item deals with it"
                assert set(claim.tested_by) <= known, claim.id


def test_every_claim_that_a_lesson_or_an_item_names_is_in_the_ledger():
    ids = {claim.id for claim in load_claims(LEDGER)}
    named = {name for lesson in lessons(root()) for name in lesson.head.claims}
    for path in root().glob("lessons/*/quiz.yml"):
        named |= {item.claim for item in load_bank(path).items if item.claim}
    assert named - ids == set()


def test_the_ledger_covers_the_statements_of_question_1():
    rows = [claim for claim in load_claims(LEDGER) if claim.question == 1]
    assert len(rows) >= 8
    assert {claim.kind for claim in rows} == {"measured", "sourced", "judgement"}
