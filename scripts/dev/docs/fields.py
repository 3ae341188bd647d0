"""What the code says of a class's fields: their types, defaults, ranges and descriptions."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

_BOUNDS = {"Ge": ("≥", "ge"), "Gt": (">", "gt"), "Le": ("≤", "le"), "Lt": ("<", "lt")}


@dataclass(frozen=True)
class Described:
    """One field: its default and range as text, and what its docstring says."""

    name: str
    type: str
    default: str
    range: str
    text: str


def described(cls: type, choices: dict[str, Sequence[str]] | None = None) -> Iterator[Described]:
    """The fields of a pydantic model or a dataclass, in order.

    choices: of a field whose values are names, those names.  A field without a docstring has the text "".
    """
    texts, types = _docstrings(cls), _types(cls)
    for name, (default, bounds) in _values(cls).items():
        allowed = ", ".join(f"`{choice}`" for choice in (choices or {}).get(name, ()))
        yield Described(name, types[name], default, allowed or bounds, texts.get(name, ""))


def prose(text: str) -> str:
    """A docstring as one paragraph of Markdown for each of its own."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def first_sentence(value: Any) -> str:
    """That of an object's docstring."""
    text = prose(inspect.getdoc(value) or "").split("\n\n")[0]
    return text if len(text) < 160 else text.partition(".  ")[0].partition(". ")[0].rstrip(".") + "."


def _docstrings(cls: type) -> dict[str, str]:
    body = _body(cls)
    return {
        _target(field): prose(after.value.value)
        for field, after in pairwise(body)
        if _target(field)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _types(cls: type) -> dict[str, str]:
    return {
        _target(node): ast.unparse(node.annotation) for node in _body(cls) if isinstance(node, ast.AnnAssign)
    }


def _body(cls: type) -> list[ast.stmt]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    assert isinstance(tree.body[0], ast.ClassDef)
    return tree.body[0].body


def _target(node: ast.stmt) -> str:
    return node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else ""


def _values(cls: type) -> dict[str, tuple[str, str]]:
    """Field to its default and range."""
    if issubclass(cls, BaseModel):
        return {
            name: (_shown(field.get_default(call_default_factory=True)), _range(field.metadata))
            for name, field in cls.model_fields.items()
        }
    assert dataclasses.is_dataclass(cls)
    hints = get_type_hints(cls, include_extras=True)
    return {
        field.name: (_default(field), _range(_metadata(hints[field.name])))
        for field in dataclasses.fields(cls)
    }


def _metadata(hint: Any) -> list[Any]:
    """The bounds in an annotation, or in the parts of a union."""
    if get_origin(hint) is Annotated:
        given = [item for each in get_args(hint)[1:] for item in getattr(each, "metadata", [each])]
        return [*given, *_metadata(get_args(hint)[0])]
    return [item for part in get_args(hint) for item in _metadata(part)]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return _shown(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return _shown(field.default_factory())
    return "required"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f"`{value}`" if value else "empty"
        case dict() | tuple() | list() if not value:
            return "none"
        case tuple() | list():
            return ", ".join(_shown(item) for item in value)
        case int():
            return f"{value:,}".replace(",", "\u202f")
        case float():
            return f"{value:g}"
    return f"`{value!r}`"


def _range(metadata: Sequence[Any]) -> str:
    said = []
    for bound in metadata:
        sign, key = _BOUNDS.get(type(bound).__name__, ("", ""))
        if sign:
            said.append(f"{sign} {_shown(getattr(bound, key))}")
    return ", ".join(said)
