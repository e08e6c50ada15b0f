"""What a notebook says its outputs are -> outputs that are safe to keep and to show."""

import json
import re
from pathlib import PurePosixPath

from bleach import ALLOWED_TAGS
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode, from_dict

MAX_OUTPUTS = 500
MAX_TEXT = 4 * 2**20  # characters of a cell's outputs in all
MAX_TAGS = 4_000  # in a cell's HTML: cleaning takes time that grows with their square
IMAGES = ("image/png", "image/jpeg")
KINDS = ("text/plain", "text/html", "text/markdown", "text/latex", *IMAGES)
TABLES = ["table", "thead", "tbody", "tr", "th", "td", "div", "span", "p", "pre", "br", "h4"]
MAX_FILES, MAX_FILE_BYTES = 200, 16 * 2**20
MAX_NAME = 200  # bytes of a file's or folder's name
# parts of up to 100 characters that do not begin with a dot; no notebook and no time of submission
SAFE_PATH = re.compile(
    r"(?!timestamp\.txt$)(?!.*\.ipynb$)[^/\0.][^/\0]{0,99}(?:/[^/\0.][^/\0]{0,99}){0,7}",
    re.IGNORECASE,
)
LOST = "[an output that could not be kept]\n"


def clean(found: object) -> list[dict]:
    """nbformat outputs from whatever came: known kinds only, bounded, and no script in any HTML.

    They are plain JSON again, as a result that crosses to another machine has to be.
    """
    outputs, used, tags = [], 0, 0
    for item in found[:MAX_OUTPUTS] if type(found) is list else [None]:
        output = _one(item) if type(item) is dict else stream(LOST)
        used += _size(output)
        tags += output.get("data", {}).get("text/html", "").count("<")
        if tags > MAX_TAGS:
            output.data = {"text/plain": output.data.get("text/plain", LOST)}
        if used > MAX_TEXT:
            outputs.append(stream("[more output than is kept]\n"))
            break
        outputs.append(output)
    sanitizer = SanitizeHTML(tags=[*ALLOWED_TAGS, *TABLES])
    return json.loads(json.dumps(sanitizer.sanitize_code_outputs(from_dict(outputs))))


def clean_files(found: object) -> dict[str, bytes]:
    """Files by relative path, from whatever came: none that leaves its folder or is a notebook."""
    kept: dict[str, bytes] = {}
    size = 0
    for name, content in found.items() if type(found) is dict else ():
        if type(name) is not str or type(content) is not bytes or not _is_safe(name):
            continue
        above = {str(folder) for folder in PurePosixPath(name).parents}
        size += len(content)
        if size > MAX_FILE_BYTES or len(kept) >= MAX_FILES:
            break
        if not above & kept.keys() and not any(other.startswith(f"{name}/") for other in kept):
            kept[name] = content
    return kept


def _is_safe(name: str) -> bool:
    parts = name.encode("utf-8", "ignore").split(b"/")
    return (
        SAFE_PATH.fullmatch(name) is not None
        and name.isprintable()
        and max(map(len, parts)) <= MAX_NAME
    )


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
        kept = {key: text for key, text in kept.items() if key not in IMAGES or _is_base64(text)}
        shown = NotebookNode(output_type=kind, data=kept or {"text/plain": LOST}, metadata={})
        if kind == "execute_result":
            count = item.get("execution_count")
            shown.execution_count = count if type(count) is int and 0 <= count < 10**6 else None
        return shown
    return stream(LOST)


def _is_base64(text: str) -> bool:
    """Anything else in the place of a picture could close its HTML tag."""
    return re.fullmatch(r"[A-Za-z0-9+/=\s]*", text) is not None


def _text(value: object) -> str:
    """A string that JSON and HTML can carry."""
    text = value if type(value) is str else LOST
    return text.encode("utf-8", "replace").decode("utf-8")


def _size(output: dict) -> int:
    texts = [output.get("text", ""), *output.get("traceback", []), *output.get("data", {}).values()]
    return sum(map(len, texts)) + len(output.get("evalue", ""))
