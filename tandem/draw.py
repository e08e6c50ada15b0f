"""Directed graphs of both frameworks in the course's one style: edges -> a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each kind has a fill, a border and a shape: shape and border width tell it without colour.
# The hues are Okabe and Ito's, lightened, so that black text reads well on each of them.
KINDS = {
    "input": ("#cfe6f7", "#0072b2", 1.3),
    "leaf": ("#fbe3b5", "#a86f00", 2.4),
    "operation": ("#f2f2f2", "#444444", 1.3),
    "output": ("#c6eadd", "#00785a", 2.4),
}
POINTS = 72.0  # per inch; the layout counts in points, the unit of font sizes
FONT = {"family": "DejaVu Sans", "size": 11}  # comes with matplotlib: the same everywhere
LINE = 14.0  # height of a line of text
PAD_X, PAD_Y = 9.0, 7.0  # between a text and its box
GAP_X, GAP_Y = 36.0, 18.0  # between two columns, between two rows
HEAD = 14.0  # straight end of an arrow, room for its head
MARGIN = 14.0
KEY = 32.0  # width of the word that begins the key

Edge = tuple[str, str]
Point = tuple[float, float]
Places = dict[str, Point]


def draw_graph(
    edges: Iterable[Edge],
    title: str = "",
    labels: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> None:
    """Show a directed graph without cycles, its data flowing from left to right.

    edges: pairs of node ids (strings), from the value's maker to its user.
    labels: the text of a node, where that is not its id (two nodes may share a text).
    kinds: "input", "leaf" (a parameter), "operation" (the default) or "output" of a node;
        it sets shape and colour, and a key explains the kinds that occur.

    Raises ValueError when there is no edge, when the edges form a cycle, when labels or kinds
    name a node that no edge has, or when a kind is unknown.
    """
    import matplotlib.pyplot as plt

    labels, kinds = dict(labels or {}), dict(kinds or {})
    graph = _graph(edges, labels, kinds)
    labels = {node: labels.get(node, node) for node in graph}
    kinds = {node: kinds.get(node, "operation") for node in graph}
    figure = plt.figure(dpi=110, facecolor="white", layout="none")
    _paint(figure, graph, title, labels, kinds)
    plt.show()
    plt.close(figure)


def _graph(edges: Iterable[Edge], labels: dict[str, str], kinds: dict[str, str]) -> nx.DiGraph:
    import networkx as nx

    graph = nx.DiGraph()
    for edge in edges:
        if not (isinstance(edge, tuple | list) and [type(end) for end in edge] == [str, str]):
            raise ValueError(f"an edge is a pair of node ids (strings), not {edge!r}")
        graph.add_edge(*edge)
    if not graph:
        raise ValueError("there is nothing to draw: the list of edges is empty")
    for what, given in (("labels", labels), ("kinds", kinds)):
        unknown = [node for node in given if node not in graph]
        if unknown:
            raise ValueError(f"{what} names {unknown[0]!r}, a node that no edge has")
    for node, kind in kinds.items():
        if kind not in KINDS:
            raise ValueError(f"kind of {node!r}: {kind!r} is not one of {', '.join(KINDS)}")
    if not nx.is_directed_acyclic_graph(graph):
        path = " -> ".join(start for start, _ in nx.find_cycle(graph))
        raise ValueError(f"the edges form a cycle, so no order to draw them in: {path} -> ...")
    return graph


def _layers(graph: nx.DiGraph) -> tuple[list[list[str]], dict[Edge, list[str]]]:
    """Columns of nodes from left to right, and the nodes that each edge passes through.

    A node's column is its longest path to the right end, so a parameter stands beside its user.
    An edge over several columns gets a placeholder ("a>b:2") in each column that it crosses:
    the placeholder keeps a row free, and no edge runs through a box.
    """
    import networkx as nx

    columns = list(nx.topological_generations(graph.reverse(copy=False)))[::-1]
    column_of = {node: i for i, column in enumerate(columns) for node in column}
    columns = [[node for node in graph if column_of[node] == i] for i in range(len(columns))]
    routes = {}
    for start, end in graph.edges:
        crossed = range(column_of[start] + 1, column_of[end])
        route = [start, *(f"{start}>{end}:{i}" for i in crossed), end]
        for i, placeholder in zip(crossed, route[1:-1], strict=True):
            columns[i].append(placeholder)
        routes[start, end] = route
    return columns, routes


def _order(columns: list[list[str]], routes: dict[Edge, list[str]]) -> Places:
    """Column and row of each node: rows follow the mean row of the neighbours, few edges cross."""
    steps = [step for route in routes.values() for step in pairwise(route)]
    row = {n: i - (len(column) - 1) / 2 for column in columns for i, n in enumerate(column)}
    for sweep in range(8):  # alternately by the left and by the right neighbours; it settles early
        near: dict[str, list[str]] = {}
        for left, right in steps:
            node, neighbour = (right, left) if sweep % 2 == 0 else (left, right)
            near.setdefault(node, []).append(neighbour)
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wish = {
                n: sum(row[m] for m in near[n]) / len(near[n]) if n in near else row[n]
                for n in column
            }
            column.sort(key=wish.__getitem__)
            for i, node in enumerate(column):
                row[node] = i - (len(column) - 1) / 2
    return {node: (i, row[node]) for i, column in enumerate(columns) for node in column}


def _paint(
    figure: Figure, graph: nx.DiGraph, title: str, labels: dict[str, str], kinds: dict[str, str]
) -> None:
    columns, routes = _layers(graph)
    cells = _order(columns, routes)
    sizes = {node: _box_size(text) for node, text in labels.items()}
    wide = [max(sizes.get(node, (0, 0))[0] for node in column) for column in columns]
    middles = [MARGIN + sum(wide[:i]) + i * GAP_X + wide[i] / 2 for i in range(len(wide))]
    tall = max(height for _, height in sizes.values())
    rows = [row for _, row in cells.values()]
    shown = [kind for kind in KINDS if kind in kinds.values()]
    key_height = LINE + 2 * PAD_Y + GAP_Y if len(shown) > 1 else 0.0
    lowest = MARGIN + key_height + tall / 2
    highest = lowest + (max(rows) - min(rows)) * (tall + GAP_Y)
    places = {
        n: (middles[i], highest - (row - min(rows)) * (tall + GAP_Y))
        for n, (i, row) in cells.items()
    }
    key_width = KEY + sum(_box_size(kind)[0] + PAD_X for kind in shown)
    width = MARGIN + max(middles[-1] + wide[-1] / 2, 1.1 * _text_width(title), key_width)
    height = highest + tall / 2 + MARGIN + (LINE + PAD_Y if title else 0.0)

    figure.set_size_inches(width / POINTS, height / POINTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    axes.text(MARGIN, height - MARGIN, title, va="center", color="black", weight="bold", **FONT)
    for route in routes.values():
        _arrow(axes, _waypoints(route, places, sizes, wide, cells))
    for node in graph:
        _box(axes, places[node], sizes[node], labels[node], kinds[node])
    if key_height:
        place = (MARGIN, MARGIN + LINE / 2 + PAD_Y)
        axes.text(*place, "key:", va="center", color="black", **FONT)
    left = MARGIN + KEY
    for kind in shown if key_height else []:
        size = _box_size(kind)
        _box(axes, (left + size[0] / 2, MARGIN + size[1] / 2), size, kind, kind)
        left += size[0] + PAD_X


def _box_size(text: str) -> tuple[float, float]:
    lines = max(1, len(text.splitlines()))
    return _text_width(text) + 2 * PAD_X + PAD_Y, lines * LINE + 2 * PAD_Y


def _text_width(text: str) -> float:
    """Width in points, of the widest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(**FONT)
    lines = [line for line in text.splitlines() if line.strip()]
    return max((TextPath((0, 0), line, prop=font).get_extents().x1 for line in lines), default=0.0)


def _outline(kind: str, x: float, y: float, width: float, height: float) -> list[Point]:
    """Corners of a box: an operation is a rectangle, the other kinds have tips or cut corners."""
    left, right, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    tip = PAD_Y
    if kind == "input":  # pointed at the right: data go in
        return [(left, low), (right - tip, low), (right, y), (right - tip, high), (left, high)]
    if kind == "output":  # pointed at both ends
        lower = [(left, y), (left + tip, low), (right - tip, low), (right, y)]
        return [*lower, (right - tip, high), (left + tip, high)]
    if kind == "leaf":  # all corners cut
        lower = [(left, low + tip), (left + tip, low), (right - tip, low), (right, low + tip)]
        upper = [(right, high - tip), (right - tip, high), (left + tip, high), (left, high - tip)]
        return [*lower, *upper]
    return [(left, low), (right, low), (right, high), (left, high)]


def _box(axes: Axes, place: Point, size: Point, text: str, kind: str) -> None:
    from matplotlib.patches import Polygon

    face, border, line = KINDS[kind]
    corners = _outline(kind, *place, *size)
    style = {"facecolor": face, "edgecolor": border, "linewidth": line, "joinstyle": "miter"}
    axes.add_patch(Polygon(corners, closed=True, zorder=2, **style))
    axes.text(*place, text, ha="center", va="center", color="black", zorder=3, **FONT)


def _waypoints(
    route: list[str], places: Places, sizes: Places, wide: list[float], cells: Places
) -> list[Point]:
    """Four points per column gap on the way: out of the box, gap begins, gap ends, at the box."""
    points = []
    for start, end in pairwise(route):
        (x0, y0), (x1, y1) = places[start], places[end]
        gap_begins = x0 + wide[int(cells[start][0])] / 2
        gap_ends = x1 - wide[int(cells[end][0])] / 2 - HEAD
        x0 += sizes.get(start, (0, 0))[0] / 2
        x1 -= sizes.get(end, (0, 0))[0] / 2
        points += [(x0, y0), (gap_begins, y0), (gap_ends, y1), (x1, y1)]
    return points


def _arrow(axes: Axes, points: list[Point]) -> None:
    """A line through the waypoints that bends only inside the gaps, with a head at its end."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    corners, codes = [points[0]], [Path.MOVETO]
    for begin, end, box in zip(points[1::4], points[2::4], points[3::4], strict=True):
        middle = (begin[0] + end[0]) / 2
        corners += [begin, (middle, begin[1]), (middle, end[1]), end, box]
        codes += [Path.LINETO, *[Path.CURVE4] * 3, Path.LINETO]
    path = Path(corners, codes)
    style = {"color": "#444444", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(
        FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=11, zorder=1, **style)
    )
