"""The ledger of claims: what the source article says, what became of it, what tests it."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tandem.course import CourseError
from tandem.strict_yaml import read_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Url = Annotated[str, StringConstraints(pattern=r"^https://\S+\.\S+$")]
Reference = Annotated[str, StringConstraints(pattern=r"^(quiz:[a-z0-9-]+|[a-z][a-z0-9_]*#\S.*)$")]


class ClaimsError(CourseError):
    """A mistake in claims.yml, in one line: file, then line or row id, then the reason."""


class Claim(BaseModel):
    """One statement of the article, in our own words, with a dated verdict.

    `kind` says how it can be judged: measured (run something), sourced (read something) or
    judgement (weigh it). `finding` is the verdict in a sentence. `tested_by` names the lesson
    section (`eager_graphs#Heading`) or the quiz item (`quiz:item-id`) that deals with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^q[1-6]-[a-z0-9]+(-[a-z0-9]+)*$")]
    question: Annotated[int, Field(ge=1, le=6)]
    paraphrase: Text
    kind: Literal["measured", "sourced", "judgement"]
    verdict: Literal["holds", "outdated", "depends", "unsupported"]
    finding: Text
    date: date
    sources: list[Url] = []
    tested_by: list[Reference] = []

    @model_validator(mode="after")
    def _has_grounds(self) -> Self:
        if not self.id.startswith(f"q{self.question}-"):
            raise ValueError(f"`id` must start with q{self.question}-, as the question is")
        if self.kind == "measured" and not self.tested_by:
            raise ValueError("a measured claim needs `tested_by`")
        if self.kind == "sourced" and not self.sources:
            raise ValueError("a sourced claim needs `sources`")
        if not self.tested_by and not self.sources:
            raise ValueError("a claim needs `tested_by` or `sources`")
        return self


_CLAIM = TypeAdapter(Claim)


def load_claims(path: Path) -> list[Claim]:
    """Read and check claims.yml; raises ClaimsError with the row and the reason in one line."""
    content = read_yaml(path, ClaimsError)
    rows = content.get("claims") if isinstance(content, dict) else None
    if not isinstance(rows, list) or set(content) != {"claims"}:
        raise ClaimsError(f"{path}: the ledger is one list, `claims:`, and nothing else")
    claims = [_load_row(path, place, row) for place, row in enumerate(rows, start=1)]
    ids = [claim.id for claim in claims]
    for place, name in enumerate(ids):
        if name in ids[:place]:
            raise ClaimsError(f"{path}: claim {name}: duplicate id")
    return claims


def _load_row(path: Path, place: int, row: Any) -> Claim:
    named = isinstance(row, dict) and isinstance(row.get("id"), str)
    where = f"{path}: claim {row['id'] if named else f'number {place}'}"
    try:
        return _CLAIM.validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = {
            "missing": f"`{field}` is missing",
            "extra_forbidden": f"unknown key `{field}`",
        }.get(first["type"])
        message = first["msg"].removeprefix("Value error, ")
        reason = reason or (f"`{field}`: {message}" if field else message)
        raise ClaimsError(f"{where}: {reason}") from None
