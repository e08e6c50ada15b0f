"""Expected answers without a formula: both can pass, and both can fail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import judge_case
from autograder.oracles import Runs, numerical_gradient
from autograder.question import Case, Question

LEARNT = Case("learns", {}, {"losses": Runs(runs=3, baseline=2.3, margin=0.5)}, points=2.0)
QUESTION = Question("train", 2.0, "lesson#Section", lambda seed: (LEARNT,))


def points(losses: object) -> float:
    return judge_case(QUESTION, LEARNT, {"value": {"losses": losses}}).points


def test_a_numerical_gradient_agrees_with_the_formula():
    x = np.array([[0.3, -1.2], [2.0, 0.7]])
    found = numerical_gradient(lambda x: float(np.sum(np.sin(x) * x)), x)
    np.testing.assert_allclose(found, np.cos(x) * x + np.sin(x), rtol=1e-7, atol=1e-9)


def test_a_wrong_formula_is_told_from_a_numerical_gradient():
    x = np.array([0.5])
    assert abs(numerical_gradient(lambda x: float(x[0] ** 2), x)[0] - 0.5) > 0.4


def test_one_bad_run_of_three_does_not_cost_the_points():
    assert points([0.4, 9.0, 0.5]) == 2.0


@pytest.mark.parametrize("losses", [[2.2, 2.3, 0.1], [1.9, 1.9, 1.9], [0.4, 0.4], [0, 0, 0], "low"])
def test_what_did_not_learn_or_is_no_list_of_results_gets_nothing(losses):
    assert points(losses) == 0.0


@given(st.lists(st.floats(0, 5), min_size=3, max_size=3))
def test_higher_is_the_mirror_of_lower(values):
    lower = Runs(3, baseline=1.0, margin=0.25).difference(values, "x")
    higher = Runs(3, baseline=-1.0, margin=0.25, higher=True)
    assert (lower is None) == (higher.difference([-value for value in values], "x") is None)
