"""The arguments of one request, read by name and type, with every mistake reported as fal reports it.

fal's endpoints answer wrong arguments with 422 and a list of mistakes: where, what, and of which type. All of
them are collected before any is reported, so a user need not find them one request at a time. Unknown names
are ignored, as fal ignores them.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Mistake:
    """One entry of fal's ``detail`` list.

    Attributes:
        loc: the way to the argument, such as ``("body", "prompt")``.
        msg: one sentence.
        type: the kind of mistake, in pydantic's words.
    """

    loc: Place
    msg: str
    type: str


class InvalidArgumentsError(ValueError):
    """The arguments cannot be used; ``mistakes`` says why."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(mistake.msg for mistake in mistakes))
        self.mistakes = mistakes

    @property
    def detail(self) -> list[dict[str, object]]:
        """The value of ``detail`` in the answer."""
        return [asdict(mistake) for mistake in self.mistakes]


class Arguments:
    """Reads arguments by name, collecting mistakes until ``check``.

    For a wrong argument a value of the right type is returned, so that reading can go on.

    Args:
        values: the arguments.
        place: where they are, for the reports.
    """

    def __init__(self, values: Mapping[str, object], place: Place = ("body",)) -> None:
        self._values = values
        self._place = place
        self._mistakes: list[Mistake] = []

    @classmethod
    def from_json(cls, body: bytes) -> "Arguments":
        """Read a request's body.

        Raises:
            InvalidArgumentsError: it is not a JSON object.
        """
        try:
            values = json.loads(body)
        except ValueError as error:
            mistake = Mistake(("body",), f"JSON decode error: {error}", "json_invalid")
            raise InvalidArgumentsError(mistake) from error
        if not isinstance(values, dict):
            raise InvalidArgumentsError(Mistake(("body",), "Input should be a valid object", "dict_type"))
        return cls(values)

    def check(self) -> None:
        """Raise ``InvalidArgumentsError`` if there was any mistake so far."""
        if self._mistakes:
            raise InvalidArgumentsError(*self._mistakes)

    def text(self, name: str) -> str:
        """Read a string that must be there and not be blank."""
        if self._values.get(name) is None:
            self._report(name, "Field required", "missing")
        value = self.optional_text(name)
        if value is not None and not value.strip():
            self._report(name, "String should have at least 1 character", "string_too_short")
        return value or ""

    def optional_text(self, name: str) -> str | None:
        """Read a string, or None where there is none."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        self._report(name, "Input should be a valid string", "string_type")
        return None

    def words(self, name: str) -> str:
        """Read a string, or a list of parts as OpenAI has it, of which only words can be read."""
        parts = self._values.get(name)
        if not isinstance(parts, list):
            return self.text(name)
        texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
        words = [text for text in texts if isinstance(text, str)]
        if len(words) < len(parts):
            self._report(name, "This model reads words only: leave out pictures and other files", "text_only")
        elif not any(text.strip() for text in words):
            self._report(name, "String should have at least 1 character", "string_too_short")
        return "\n".join(words)

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """Read one of a few words; the first is the default."""
        value = self._values.get(name, options[0])
        if isinstance(value, str) and value in options:
            return value
        self._report(name, f"Input should be {' or '.join(map(repr, options))}", "literal_error")
        return options[0]

    def flag(self, name: str) -> bool:
        """Read true or false; false is the default."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._report(name, "Input should be a valid boolean", "bool_type")
        return False

    def integer(self, name: str, *, default: int, low: int, high: int) -> int:
        """Read a whole number from ``low`` to ``high``."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self._report(name, "Input should be a valid integer", "int_type")
            return default
        return default if self._out_of_range(name, value, low, high) else value

    def number(self, name: str, *, default: float, low: float, high: float) -> float:
        """Read a number from ``low`` to ``high``."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            self._report(name, "Input should be a valid number", "float_type")
            return default
        return default if self._out_of_range(name, value, low, high) else float(value)

    def objects(self, name: str) -> list["Arguments"]:
        """Read a list of objects that must be there and not be empty; `check` reports their mistakes, too."""
        values = self._values.get(name)
        if values is None:
            self._report(name, "Field required", "missing")
            return []
        if not isinstance(values, list) or not values:
            self._report(name, "Input should be a valid list with at least 1 item", "list_type")
            return []
        return [self._object(value, (*self._place, name, index)) for index, value in enumerate(values)]

    def _object(self, value: object, place: Place) -> "Arguments":
        if not isinstance(value, dict):
            self._mistakes.append(Mistake(place, "Input should be a valid object", "dict_type"))
            return Arguments({}, place)
        inner = Arguments(value, place)
        inner._mistakes = self._mistakes
        return inner

    def _out_of_range(self, name: str, value: float, low: float, high: float) -> bool:
        if value < low:
            self._report(name, f"Input should be greater than or equal to {low}", "greater_than_equal")
        elif value > high:
            self._report(name, f"Input should be less than or equal to {high}", "less_than_equal")
        return not low <= value <= high

    def _report(self, name: str, msg: str, kind: str) -> None:
        self._mistakes.append(Mistake((*self._place, name), msg, kind))
