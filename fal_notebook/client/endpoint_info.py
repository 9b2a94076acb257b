"""What an endpoint does and takes, as a value that shows itself: ``fal.info("fal-ai/flux/dev")``."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..render.bundles import Bundle, heading_bundle, merged, small_bundle, table_bundle, text_bundle
from ..safety.plain_text import one_line
from ..schema.checking import words_of
from ..schema.endpoint_schema import MISSING, Argument, EndpointSchema, Shape
from ..wire.environment import is_fals
from .catalogue import Catalogue, KnownSchema
from .interrupts import interruptible
from .known_endpoints import MODELS
from .prices import Prices
from .sessions import session

_LONGEST_DESCRIPTION = 2_000  # characters, of the endpoint; of an argument in the table it is less
_LONGEST_MEANING = 300
_LONGEST_VALUE = 60
_LONGEST_NAME = 60
_MOST_ROWS = 100
_MOST_CHOICES = 12
_MOST_EXAMPLES = 3  # arguments on the line of the example beside those that are required
_UNKNOWN = "unknown"
_SECONDS_OF_A_DAY = 86_400
_EXAMPLES = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}, "null": None}
_PLACES = {"image": "picture.png", "audio": "sound.wav", "video": "film.mp4", "file": "file.zip"}


@dataclass(frozen=True)
class EndpointInfo:
    """What an endpoint says of itself. Jupyter shows it as a page of help.

    Attributes:
        schema: its title, description, arguments and outputs.
        fetched: when the schema was fetched, in seconds since the epoch.
        is_old: whether the schema is old, and no newer one could be fetched.
        price: what it costs, in words; ``unknown`` where there is no key or fal does not say it, and empty at a gateway
            of one's own.
    """

    schema: EndpointSchema
    fetched: float
    is_old: bool = False
    price: str = ""

    @property
    def example(self) -> str:
        """A cell that asks the endpoint, to be copied."""
        return _example(self.schema)

    @property
    def bundle(self) -> Bundle:
        """What Jupyter shows, as a MIME bundle."""
        schema = self.schema
        parts = [heading_bundle(one_line(schema.title, 120), schema.endpoint), small_bundle(" · ".join(self._facts()))]
        if schema.description:
            parts.append(text_bundle(schema.description[:_LONGEST_DESCRIPTION]))
        if schema.arguments:
            parts.append(_table(schema.arguments))
            if len(schema.arguments) > _MOST_ROWS:
                parts.append(
                    small_bundle(f"… and {len(schema.arguments) - _MOST_ROWS:,} arguments more, in its .schema")
                )
        if schema.outputs:
            names = [f"{one_line(each.name, _LONGEST_NAME)}" for each in schema.outputs[:_MOST_CHOICES]]
            parts.append(small_bundle(f"gives: {', '.join(names)}{' …' if len(schema.outputs) > len(names) else ''}"))
        parts.append(text_bundle(f"~~~~~~\n{self.example}\n~~~~~~"))
        (whole,) = merged(parts)
        return whole

    def _facts(self) -> list[str]:
        schema = self.schema
        facts = [one_line(schema.category, _LONGEST_NAME)] if schema.category else []
        facts.append("streams" if schema.streams else "does not stream")
        if self.price:
            facts.append(f"price {self.price}" if self.price == _UNKNOWN else self.price)
        if schema.deprecated:
            instead = f", use {schema.replaced_by} instead" if schema.replaced_by else ""
            facts.append(f"deprecated{instead}")
        if self.is_old:
            days = max(1, round((time.time() - self.fetched) / _SECONDS_OF_A_DAY))
            facts.append(f"as it was {days:,} day{'' if days == 1 else 's'} ago: no newer schema could be fetched")
        return facts

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return self.bundle

    def __repr__(self) -> str:
        return str(self.bundle["text/plain"])


def info(endpoint: str, *, base_url: str | None = None) -> EndpointInfo:
    """What an endpoint does, takes, gives and costs. Nothing is sent to the endpoint.

    Args:
        endpoint: the endpoint with its sub-path, such as ``fal-ai/flux/dev``.
        base_url: another host, whose ``/openapi.json`` is read: ``ws://127.0.0.1:8000``.

    Raises:
        InvalidRequest: the endpoint cannot be one, or there is no schema of it.
        ConnectError: its schema could not be fetched.

    Example:
        >>> info("fal-ai/flux/dev")  # doctest: +SKIP
    """
    name = endpoint.strip().strip("/")
    with interruptible():
        known: KnownSchema = session().companion(Catalogue).find(name, base_url)
        price = session().companion(Prices).of([name], base_url).get(name)
    told = str(price) if price else _UNKNOWN if is_fals(base_url) else ""
    return EndpointInfo(known.schema, known.fetched, known.is_old, told)


def _table(arguments: Sequence[Argument]) -> Bundle:
    """The arguments, the required ones first, else in the endpoint's own order."""
    rows = sorted(arguments, key=lambda each: (not each.required, each.hidden))[:_MOST_ROWS]
    return table_bundle(("argument", "kind", "default", "allowed", "meaning"), map(_row, rows))


def _row(argument: Argument) -> tuple[str, ...]:
    default = "required" if argument.required else "" if argument.default is MISSING else _value(argument.default)
    kind = f"{argument.file} file" if argument.file in ("image", "audio", "video") else argument.file
    return (
        one_line(argument.name, _LONGEST_NAME),
        kind or words_of([each for each in argument.kinds if each != "null"]) or "anything",
        default,
        _allowed(argument),
        one_line(argument.description or argument.title, _LONGEST_MEANING),
    )


def _allowed(argument: Argument) -> str:
    """The choices or the range of an argument."""
    choices = [_value(each) for each in argument.choices if each is not None]
    if choices:
        return ", ".join(choices[:_MOST_CHOICES]) + (" …" if len(choices) > _MOST_CHOICES else "")
    return next(filter(None, map(_range, argument.shapes)), "")


def _range(shape: Shape) -> str:
    unit = {"string": " characters", "array": " items"}.get(shape.kind, "")
    bounds = (
        ("from", shape.minimum),
        ("above", shape.above),
        ("to", shape.maximum),
        ("below", shape.below),
        ("at least", shape.shortest),
        ("at most", shape.longest),
    )
    words = " ".join(f"{word} {_value(each)}" for word, each in bounds if each is not None)
    last = next((each for _, each in reversed(bounds) if each is not None), None)
    return words + (unit.removesuffix("s") if last == 1 else unit) if words else ""


def _value(value: Any) -> str:
    try:
        said = value if isinstance(value, str) and value and value == value.strip() else json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return "…"
    return one_line(said, _LONGEST_VALUE)


def _example(schema: EndpointSchema) -> str:
    needed = [each for each in schema.arguments if each.required]
    shown = [each for each in needed if each.name.isidentifier()][:_MOST_EXAMPLES]
    body = next((each for each in shown if each.name == "prompt"), None)
    words = [_assignment(each) for each in shown if each is not body]
    said = next((each for each in (body.examples if body else ()) if isinstance(each, str)), "A cat that sleeps")
    if body is None:
        return " ".join(["%falstream", schema.endpoint, *words])
    return " ".join(["%%falstream", schema.endpoint, *words]) + f"\n{one_line(said, _LONGEST_MEANING)}"


def _assignment(argument: Argument) -> str:
    """An argument on the line: with its example, else a value of its kind."""
    if argument.file:
        return f"{argument.name}=@{_PLACES[argument.file]}"
    models = MODELS[:1] if argument.name == "model" else ()
    named = next(iter((*argument.examples, *argument.choices, *models)), MISSING)
    value = _EXAMPLES.get(next(iter(argument.kinds), ""), "…") if named is MISSING else named
    text = json.dumps(value, default=str, ensure_ascii=False)
    if len(text) > _LONGEST_MEANING:
        text = '"…"'
    return f"{argument.name}={text}" if isinstance(value, str) else f"{argument.name}:={text}"
