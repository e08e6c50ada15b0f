"""What a notebook says its outputs are -> outputs that are safe to keep and to show."""

from bleach import ALLOWED_TAGS
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode, from_dict

MAX_OUTPUTS = 500
MAX_TEXT = 4 * 2**20  # characters of a cell's outputs in all
KINDS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")
TABLES = ["table", "thead", "tbody", "tr", "th", "td", "div", "span", "p", "pre", "br", "h4"]
LOST = "[an output that could not be kept]\n"


def clean(found: object) -> list[NotebookNode]:
    """nbformat outputs from whatever came: known kinds only, bounded, and no script in any HTML."""
    outputs, used = [], 0
    for item in found[:MAX_OUTPUTS] if type(found) is list else [None]:
        output = _one(item) if type(item) is dict else stream(LOST)
        used += _size(output)
        if used > MAX_TEXT:
            outputs.append(stream("[more output than is kept]\n"))
            break
        outputs.append(output)
    sanitizer = SanitizeHTML(tags=[*ALLOWED_TAGS, *TABLES])
    return sanitizer.sanitize_code_outputs([from_dict(output) for output in outputs])


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return NotebookNode(output_type="stream", name=name, text=text)


def error(name: str, text: str) -> NotebookNode:
    return NotebookNode(output_type="error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def number(value: float) -> NotebookNode:
    """What nbgrader reads a cell's points from."""
    data = {"text/plain": repr(float(value))}
    return NotebookNode(output_type="execute_result", execution_count=None, data=data, metadata={})


def _one(item: dict) -> NotebookNode:
    kind = item.get("output_type")
    if kind == "stream" and item.get("name") in ("stdout", "stderr"):
        return stream(_text(item.get("text")), item["name"])
    if kind == "error":
        lines = item.get("traceback")
        lines = [_text(line) for line in lines[:1000]] if type(lines) is list else []
        names = {key: _text(item.get(key))[:10_000] for key in ("ename", "evalue")}
        return NotebookNode(output_type="error", **names, traceback=lines)
    if kind in ("execute_result", "display_data"):
        data = item.get("data")
        data = data if type(data) is dict else {}
        kept = {key: _text(data[key]) for key in KINDS if key in data}
        shown = NotebookNode(output_type=kind, data=kept or {"text/plain": LOST}, metadata={})
        if kind == "execute_result":
            count = item.get("execution_count")
            shown.execution_count = count if type(count) is int and 0 <= count < 10**6 else None
        return shown
    return stream(LOST)


def _text(value: object) -> str:
    """A string that JSON and HTML can carry."""
    text = value if type(value) is str else LOST
    return text.encode("utf-8", "replace").decode("utf-8")


def _size(output: dict) -> int:
    texts = [output.get("text", ""), *output.get("traceback", []), *output.get("data", {}).values()]
    return sum(map(len, texts)) + len(output.get("evalue", ""))
