"""Sans-I/O: reads an OpenAPI document as an `EndpointSchema`: 3.0 in fal's form, 3.1 of a ``fal.App`` or FastAPI.

A document comes from a server, so all that is read of it has a bound: values in all, levels, names, letters. What goes
beyond a bound, or is written in a way that is not known, is read as "anything": no value is doubted for it. Regular
expressions of a document are not used, since they could take for ever.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from .endpoint_schema import MISSING, Argument, EndpointSchema, Shape

_MOST_SHAPES = 5_000  # of a document
_MOST_MEMBERS = 500  # of an object
_MOST_ALTERNATIVES = 20
_MOST_CHOICES = 1_000
_MOST_EXAMPLES = 10
_DEEPEST = 10  # levels of schemas within one another, references counted
_LONGEST_NAME = 200  # characters
_LONGEST_WORDS = 5_000
_LONGEST_INTEGER = 1_000  # bits
_KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_ANYTHING = (Shape(),)
_FILES = ("image", "audio", "video")
METADATA = "x-fal-metadata"
"""Where fal writes of an endpoint what OpenAPI has no place for."""
_SUFFIX = "/stream"

Schema = Mapping[str, Any]


class NoSchema(ValueError):
    """A document does not say what an endpoint takes."""


def read_schema(document: object, endpoint: str) -> EndpointSchema:
    """What a document says of an endpoint; of an endpoint ``…/stream`` without an own schema, what its sibling takes.

    Args:
        document: the decoded JSON.
        endpoint: the endpoint's name, which is its path.

    Raises:
        NoSchema: the endpoint is not in it, or what it takes.
    """
    try:
        return _Reader(_mapping(document)).endpoint(endpoint)
    except RecursionError:
        raise NoSchema(f"the schema of {endpoint} is nested too deeply") from None


def sibling_of(endpoint: str) -> str:
    """The endpoint that takes the same and does not stream; empty if there is none."""
    return endpoint.removesuffix(_SUFFIX) if endpoint.endswith(_SUFFIX) else ""


class _Reader:
    """Reads one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._left = _MOST_SHAPES

    def endpoint(self, endpoint: str) -> EndpointSchema:
        paths, sibling = _mapping(self._document.get("paths")), sibling_of(endpoint)
        found = ((name, self._operation(paths, name, "post")) for name in (endpoint, sibling) if name)
        name, operation, taken = next(
            ((name, each, taken) for name, each in found if (taken := self._taken(each)) is not None), ("", {}, None)
        )
        if taken is None:
            raise NoSchema(f"its document does not say what {endpoint} takes")
        info = _mapping(self._document.get("info"))
        own = _mapping(operation.get(METADATA))  # where a document has several endpoints
        metadata = own or _mapping(info.get(METADATA))
        described = operation if own or not metadata else info
        shape = self._object(taken)
        return EndpointSchema(
            endpoint=endpoint,
            title=_words(operation.get("summary")) or _words(info.get("title")) or endpoint,
            description=_words(operation.get("description")) or _words(described.get("description")),
            category=_words(metadata.get("category")),
            deprecated=operation.get("deprecated") is True or metadata.get("status") == "deprecated",
            streams=endpoint.endswith(_SUFFIX) or f"/{endpoint}{_SUFFIX}" in paths or "stream_url" in metadata,
            arguments=shape.members,
            takes_more=shape.takes_more,
            outputs=self._outputs(paths, name, sibling, operation),
        )

    def _operation(self, paths: Schema, name: str, method: str) -> Schema:
        return _mapping(_mapping(paths.get(f"/{name}", paths.get(f"/{name}/"))).get(method))

    def _taken(self, operation: Schema) -> Schema | None:
        """The schema of an operation's body, if it is that of an object."""
        body = self._target(operation.get("requestBody"))
        schema = self._target(_json_content(body).get("schema"))
        is_object = schema.get("type") == "object" or any(each in schema for each in ("properties", "allOf", "anyOf"))
        return schema if is_object else None

    def _outputs(self, paths: Schema, name: str, sibling: str, operation: Schema) -> tuple[Argument, ...]:
        fetched = (self._operation(paths, f"{each}/requests/{{request_id}}", "get") for each in (name, sibling) if each)
        beside = self._operation(paths, sibling, "post") if sibling else {}
        for each in (*fetched, operation, beside):
            response = self._target(_mapping(each.get("responses")).get("200"))
            members = self._object(self._target(_json_content(response).get("schema"))).members
            if members:
                return members
        return ()

    def _object(self, schema: Schema) -> Shape:
        found = self._shapes(schema, 0)
        return next((each for each in found if each.kind == "object"), Shape("object"))

    def _target(self, schema: object) -> Schema:
        """The schema that a reference leads to, over further ones."""
        found = _mapping(schema)
        for _ in range(_DEEPEST):
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            found = self._referenced(reference)
        return {}

    def _referenced(self, reference: str) -> Schema:
        if not reference.startswith("#/") or len(reference) > _LONGEST_WORDS:
            return {}
        found: Any = self._document
        for part in reference[2:].split("/"):
            found = _mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)

    def _shapes(self, schema: object, depth: int) -> tuple[Shape, ...]:
        """The forms of a value; "anything" where the schema is not understood, or beyond a bound."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return _ANYTHING
        found = self._target(schema)
        alternatives = found.get("anyOf", found.get("oneOf"))
        if isinstance(alternatives, list):
            if not 0 < len(alternatives) <= _MOST_ALTERNATIVES:
                return _ANYTHING
            shapes = tuple(shape for each in alternatives for shape in self._shapes(each, depth + 1))
        elif isinstance(found.get("allOf"), list):
            shapes = self._shapes(found["allOf"][0], depth + 1) if len(found["allOf"]) == 1 else _ANYTHING
        else:
            kinds = _kinds(found)
            shapes = tuple(self._shape(found, kind, depth) for kind in kinds)
        if found.get("nullable") is True and all(shape.kind for shape in shapes):
            shapes = (*shapes, Shape("null"))
        return shapes if len(shapes) <= _MOST_CHOICES else _ANYTHING

    def _shape(self, schema: Schema, kind: str, depth: int) -> Shape:
        choices = _choices(schema)
        if kind in ("integer", "number"):
            return _number_shape(schema, kind, choices)
        if kind == "string":
            shortest, longest = _length(schema.get("minLength")), _length(schema.get("maxLength"))
            return Shape(kind, choices, shortest=shortest, longest=longest)
        if kind == "array":
            shortest, longest = _length(schema.get("minItems")), _length(schema.get("maxItems"))
            items = self._shapes(schema["items"], depth + 1) if isinstance(schema.get("items"), dict) else ()
            return Shape(kind, choices, shortest=shortest, longest=longest, items=items)
        if kind == "object":
            members = tuple(self._members(schema, depth))
            more = schema.get("additionalProperties", not members)
            is_cut = len(members) != len(_mapping(schema.get("properties")))
            return Shape(kind, choices, members=members, takes_more=is_cut or more is not False)
        return Shape(kind, choices)

    def _members(self, schema: Schema, depth: int) -> Iterator[Argument]:
        properties = _mapping(schema.get("properties"))
        required = {each for each in islice(_list(schema.get("required")), _MOST_MEMBERS) if isinstance(each, str)}
        order = [each for each in _list(schema.get("x-fal-order-properties"))[:_MOST_MEMBERS] if isinstance(each, str)]
        ordered = [each for each in dict.fromkeys(order) if each in properties]
        for name in islice(dict.fromkeys([*ordered, *islice(properties, _MOST_MEMBERS)]), _MOST_MEMBERS):
            if isinstance(name, str) and len(name) <= _LONGEST_NAME:
                yield self._argument(name, properties[name], depth + 1, is_required=name in required)

    def _argument(self, name: str, schema: object, depth: int, *, is_required: bool) -> Argument:
        own = _mapping(schema)
        one_of_all = _list(own.get("allOf"))[:1]
        told = {**self._target(one_of_all[0] if one_of_all else own), **own}
        shapes = self._shapes(schema, depth)
        ui = _mapping(told.get("ui"))
        return Argument(
            name=name,
            shapes=shapes,
            required=is_required,
            title=_words(told.get("title")),
            description=_words(told.get("description")),
            default=told.get("default", MISSING),
            examples=tuple(_list(told.get("examples"))[:_MOST_EXAMPLES]),
            hidden=ui.get("hidden") is True,
            file=_file(name, told, ui, shapes),
        )


def _number_shape(schema: Schema, kind: str, choices: tuple[Any, ...] | None) -> Shape:
    minimum, maximum = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is True:  # as OpenAPI 3.0 writes it
        minimum, above = None, minimum
    if below is True:
        maximum, below = None, maximum
    step = _number(schema.get("multipleOf"))
    return Shape(kind, choices, minimum, maximum, _number(above), _number(below), step if step and step > 0 else None)


def _kinds(schema: Schema) -> Sequence[str]:
    """The kinds that a schema names; of a schema without any, what its words imply."""
    said = schema.get("type")
    kinds = [said] if isinstance(said, str) else _list(said)[: len(_KINDS)]
    if kinds and all(isinstance(each, str) and each in _KINDS for each in kinds):
        return list(dict.fromkeys(kinds))
    if kinds:
        return ("",)
    choices = {_TYPES.get(type(each), "") for each in _choices(schema) or ()}
    if choices:
        return ("",) if "" in choices else sorted(choices)
    return ("object",) if isinstance(schema.get("properties"), dict) else ("",)


def _choices(schema: Schema) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    said = schema.get("enum")
    return tuple(said) if isinstance(said, list) and 0 < len(said) <= _MOST_CHOICES else None


def _file(name: str, told: Schema, ui: Schema, shapes: Sequence[Shape]) -> str:
    """The kind of file that an argument's URL leads to: as it is marked, else by the argument's name."""
    kinds = {each.kind for shape in shapes for each in (shape, *shape.items)}
    if not kinds & {"string", ""}:
        return ""
    marked = (told.get("_fal_ui_field"), ui.get("field"), told.get("format"))
    for mark in marked:
        if isinstance(mark, str) and mark in (*_FILES, "file", "binary"):
            return "file" if mark == "binary" else mark
    if not name.endswith(("_url", "_urls")):
        return ""
    return next((each for each in _FILES if each in name), "image" if "mask" in name else "file")


def _json_content(holder: Schema) -> Schema:
    return _mapping(_mapping(holder.get("content")).get("application/json"))


def _mapping(value: object) -> Schema:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: object) -> str:
    return value[:_LONGEST_WORDS].strip() if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if value.bit_length() <= _LONGEST_INTEGER else None
    return value if math.isfinite(value) else None


def _length(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
