"""Check raw data against a model and say each mistake with its line and what is allowed there."""

import types
import typing
from collections.abc import Iterator

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from inventory.document import Document, Keys
from inventory.mistakes import Mistake, nearest
from inventory.view import View

# Pydantic's words for a wrong type, in the words of the file.
PROBLEMS = {
    "missing": "is missing",
    "string_type": "is not text",
    "string_too_short": "is empty",
    "int_type": "is not a whole number",
    "bool_type": "is not true or false",
    "tuple_type": "is not a list",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "too_short": "has too few items",
}


def check_shape(view: View, model: type[BaseModel]) -> Iterator[Mistake]:
    """Yield every mistake of ``view`` against ``model``; values that the reader refused already are left out."""
    try:
        model.model_validate(view.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        for details in errors:
            if details["type"] == "too_short" and any(_below(other["loc"], details["loc"]) for other in errors):
                continue  # pydantic counts only the valid items
            path = (*view.path, *_in_file(details["loc"]))
            if details["type"] == "extra_forbidden" or path not in view.document.refused:
                yield _mistake(view.document, path, details, model)


def _below(loc: Keys, parent: Keys) -> bool:
    return len(loc) > len(parent) and loc[: len(parent)] == parent


def _mistake(document: Document, path: Keys, details: ErrorDetails, model: type[BaseModel]) -> Mistake:
    context = details.get("ctx", {})
    if details["type"] == "extra_forbidden":
        owner = _owner(model, details["loc"][:-1])
        keys = (field.alias or name for name, field in owner.model_fields.items())
        return document.mistake(path, "unknown key", nearest(str(path[-1]), keys))
    field = _field(model, details["loc"])
    description = field.description if field and field.description else "see the key above it"
    problem = context.get("problem") or PROBLEMS.get(details["type"])
    if problem is None:
        problem = f"{details['input']!r} is not allowed"
    return document.mistake(path, problem, context.get("allowed") or description)


def _in_file(loc: Keys) -> Keys:
    """Drop pydantic's own marks from ``loc`` (as ``[key]`` for a mapping's key), which are not in the file."""
    return tuple(key for key in loc if key != "[key]")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for argument in typing.get_args(annotation):
            yield from _models(argument)


def _field(model: type[BaseModel], loc: Keys) -> FieldInfo | None:
    """Return the innermost field on the way to ``loc``."""
    found: FieldInfo | None = None
    for key in loc:
        by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
        if isinstance(key, str) and key in by_alias:
            found = by_alias[key]
            model = next(_models(found.annotation), model)
    return found


def _owner(model: type[BaseModel], loc: Keys) -> type[BaseModel]:
    """Return the model of the mapping at ``loc``."""
    field = _field(model, loc)
    return next(_models(field.annotation), model) if field else model
