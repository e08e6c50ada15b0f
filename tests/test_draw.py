"""tandem.draw_graph: what it draws, how it is laid out, what it refuses."""

from itertools import combinations

import matplotlib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Polygon

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tandem.draw import KINDS, draw_graph

CHAIN = [("a", "mul"), ("b", "mul"), ("mul", "add"), ("b", "add"), ("add", "sum")]
MLP = [
    *[("x", "matmul_1"), ("W1", "matmul_1"), ("matmul_1", "add_1"), ("b1", "add_1")],
    *[("add_1", "relu"), ("relu", "matmul_2"), ("W2", "matmul_2"), ("matmul_2", "add_2")],
    *[("b2", "add_2"), ("add_2", "log_softmax"), ("log_softmax", "nll_loss")],
    *[("labels", "nll_loss"), ("x", "skip_connection"), ("skip_connection", "add_2")],
]


class Picture:
    """A drawn figure: where its texts, boxes and arrows lie, in pixels, y upwards."""

    def __init__(self, figure) -> None:
        self.figure = figure
        axes = figure.axes[0]
        renderer = FigureCanvasAgg(figure).get_renderer()
        written = [text for text in axes.texts if text.get_text()]
        self.texts = [(text.get_text(), text.get_window_extent(renderer)) for text in written]
        self.boxes = [p for p in axes.patches if isinstance(p, Polygon)]
        self.arrows = [p for p in axes.patches if isinstance(p, FancyArrowPatch)]
        self.box_areas = [box.get_path().get_extents(box.get_transform()) for box in self.boxes]

    def place(self, label: str):
        """Extent of the first text that reads `label`."""
        return next(area for text, area in self.texts if text == label)


@pytest.fixture
def drawn(monkeypatch):
    """Calls draw_graph and gives the Picture that it showed."""

    def draw(*args, **kwargs) -> Picture:
        shown = []
        monkeypatch.setattr(plt, "show", lambda: shown.append(Picture(plt.gcf())))
        assert draw_graph(*args, **kwargs) is None
        assert len(shown) == 1
        return shown[0]

    return draw


def overlaps(areas) -> list:
    return [(one, two) for one, two in combinations(areas, 2) if one.overlaps(two)]


def test_every_node_and_edge_is_drawn_once(drawn):
    picture = drawn([*CHAIN, ("a", "mul")])
    assert sorted(text for text, _ in picture.texts) == ["a", "add", "b", "mul", "sum"]
    assert len(picture.boxes) == 5
    assert len(picture.arrows) == 5


def test_data_flow_from_left_to_right(drawn):
    picture = drawn(MLP)
    for start, end in MLP:
        assert picture.place(start).x1 < picture.place(end).x0, f"{start} -> {end}"


def test_a_parameter_stands_beside_its_user(drawn):
    picture = drawn(MLP)
    assert picture.place("relu").x0 < picture.place("b2").x0


def test_labels_of_a_network_do_not_overlap_and_lie_in_their_boxes(drawn):
    kinds = {"x": "input", "labels": "input", "nll_loss": "output"}
    kinds |= dict.fromkeys(["W1", "b1", "W2", "b2"], "leaf")
    picture = drawn(MLP, title="a network", kinds=kinds)
    assert len(picture.texts) == 14 + 4 + 2  # nodes, kinds in the key, "key:" and the title
    assert not overlaps([area for _, area in picture.texts])
    assert not overlaps(picture.box_areas)
    inside = [a for t, a in picture.texts if t not in ("a network", "key:")]
    for area, box in zip(inside, picture.box_areas, strict=False):
        assert box.x0 < area.x0 and area.x1 < box.x1 and box.y0 < area.y0 and area.y1 < box.y1


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(2, 15).flatmap(
        lambda n: st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), min_size=1)
    )
)
def test_no_graph_has_overlapping_boxes_or_leaves_the_picture(drawn, pairs):
    names = ["a", "input", "MulBackward0", "nll_loss", "AccumulateGrad\nweight of layer 1"]
    edges = [(f"n{min(p)}", f"n{max(p)}") for p in pairs if p[0] != p[1]] or [("n0", "n1")]
    labels = {node: names[int(node[1:]) % 5] for edge in edges for node in edge}
    picture = drawn(edges, labels=labels)
    assert not overlaps(picture.box_areas)
    assert not overlaps([area for _, area in picture.texts])
    width, height = picture.figure.bbox.width, picture.figure.bbox.height
    for area in picture.box_areas:
        assert area.x0 >= 0 and area.y0 >= 0 and area.x1 <= width and area.y1 <= height


def test_an_edge_over_several_columns_passes_no_box(drawn):
    picture = drawn([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    middle = [box for box in picture.box_areas if 0.2 < box.x0 / picture.figure.bbox.width < 0.7]
    assert len(middle) == 2
    for arrow in picture.arrows:
        line = arrow.get_path().interpolated(20).transformed(arrow.get_transform()).vertices
        for box in middle:
            inside = (line[:, 0] > box.x0 + 2) & (line[:, 0] < box.x1 - 2)
            inside &= (line[:, 1] > box.y0) & (line[:, 1] < box.y1)
            assert not inside.any()


def test_labels_replace_ids_and_may_repeat(drawn):
    picture = drawn([("1", "3"), ("2", "3")], labels={"1": "AccumulateGrad", "2": "AccumulateGrad"})
    assert sorted(text for text, _ in picture.texts) == ["3", "AccumulateGrad", "AccumulateGrad"]


def test_kind_sets_shape_and_colour_and_the_key_names_it(drawn):
    kinds = {"a": "input", "b": "leaf", "sum": "output"}
    picture = drawn(CHAIN, kinds=kinds)
    looks = {(len(box.get_xy()), box.get_facecolor()) for box in picture.boxes}
    assert len({corners for corners, _ in looks}) == len(KINDS)
    assert len({colour for _, colour in looks}) == len(KINDS)
    assert {"key:", *KINDS} <= {text for text, _ in picture.texts}


def test_one_kind_needs_no_key(drawn):
    assert "key:" not in [text for text, _ in drawn(CHAIN).texts]


def test_dark_theme_changes_neither_background_nor_text(drawn):
    with plt.style.context("dark_background"):
        picture = drawn(CHAIN, title="a title")
        assert to_rgb(picture.figure.get_facecolor()) == (1, 1, 1)
        assert {to_rgb(text.get_color()) for text in picture.figure.axes[0].texts} == {(0, 0, 0)}


def luminance(colour) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("kind", KINDS)
def test_black_text_and_the_border_stand_out(kind):
    face, border, _ = KINDS[kind]
    assert (luminance(face) + 0.05) / 0.05 >= 7
    assert 1.05 / (luminance(border) + 0.05) >= 3


def test_nothing_stays_open(drawn):
    before = plt.get_fignums()
    drawn(CHAIN)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("edges", "options", "message"),
    [
        ([], {}, "nothing to draw"),
        ([("a", "b"), ("b", "c"), ("c", "a")], {}, "cycle.*a -> b -> c"),
        ([("a", "a")], {}, "cycle"),
        (["ab"], {}, "an edge is a pair of node ids"),
        ([("a", "b", "c")], {}, "an edge is a pair of node ids"),
        ([("a", 1)], {}, "an edge is a pair of node ids"),
        ([("a", "b")], {"labels": {"c": "C"}}, "labels names 'c', a node that no edge has"),
        ([("a", "b")], {"kinds": {"c": "leaf"}}, "kinds names 'c', a node that no edge has"),
        ([("a", "b")], {"kinds": {"a": "leave"}}, "kind of 'a': 'leave' is not one of input"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(edges, options, message):
    with pytest.raises(ValueError, match=message):
        draw_graph(edges, **options)
