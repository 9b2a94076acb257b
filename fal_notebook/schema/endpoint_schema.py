"""Sans-I/O: what an endpoint says of itself: its title, its arguments and its outputs."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Missing(Enum):
    """What stands for a value that is not there, where None is a value."""

    MISSING = 0


MISSING = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Shape:
    """One form that a value may have.

    Attributes:
        kind: JSON's name for it: ``string``, ``integer``, ``number``, ``boolean``, ``array``, ``object`` or ``null``;
            empty if any kind will do.
        choices: the values that are allowed; None if there is no list of them.
        minimum: the smallest number.
        maximum: the largest number.
        above: what a number has to be greater than.
        below: what a number has to be less than.
        multiple_of: what a number has to be a multiple of.
        shortest: the fewest characters of a text, or items of a list.
        longest: the most characters or items.
        items: the forms of a list's items; none if they may be anything.
        members: the members of an object that are known.
        takes_more: whether an object may have others.
    """

    kind: str = ""
    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    multiple_of: float | None = None
    shortest: int | None = None
    longest: int | None = None
    items: tuple["Shape", ...] = ()
    members: tuple["Argument", ...] = ()
    takes_more: bool = True


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an endpoint, a member of an object, or an output.

    Attributes:
        name: its name.
        shapes: the forms that its value may have.
        required: whether it has to be there.
        title: its name in words.
        description: what it means.
        default: its value where it is not given; `MISSING` if that is not said.
        examples: values that may be given.
        hidden: whether fal's own pages do not show it.
        file: ``image``, ``audio``, ``video`` or ``file`` if the value is the URL of one, or a list of them; else empty.
    """

    name: str
    shapes: tuple[Shape, ...]
    required: bool = False
    title: str = ""
    description: str = ""
    default: Any = MISSING
    examples: tuple[Any, ...] = ()
    hidden: bool = False
    file: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of value that it takes, each once; none if it takes any."""
        kinds = dict.fromkeys(shape.kind for shape in self.shapes)
        return () if "" in kinds else tuple(kinds)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that are named, of all forms together."""
        return tuple(each for shape in self.shapes for each in shape.choices or ())


@dataclass(frozen=True, slots=True)
class EndpointSchema:
    """What an endpoint says of itself.

    Attributes:
        endpoint: its name.
        title: its name in words.
        description: what it does.
        category: what it makes of what: ``text-to-image``.
        deprecated: whether it should no longer be used.
        replaced_by: the endpoint that takes its place, if that is known.
        streams: whether it streams, itself or at its ``/stream``.
        arguments: what it takes, in its own order.
        takes_more: whether it may take others.
        outputs: what it gives.
    """

    endpoint: str
    title: str = ""
    description: str = ""
    category: str = ""
    deprecated: bool = False
    replaced_by: str = ""
    streams: bool = False
    arguments: tuple[Argument, ...] = ()
    takes_more: bool = False
    outputs: tuple[Argument, ...] = ()

    @property
    def shape(self) -> Shape:
        """All arguments together, as the object that they are."""
        return Shape("object", members=self.arguments, takes_more=self.takes_more)

    def argument(self, name: str) -> Argument | None:
        """The argument of this name."""
        return next((each for each in self.arguments if each.name == name), None)
