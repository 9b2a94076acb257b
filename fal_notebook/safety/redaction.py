"""The key taken out of what others say, by its value, in whatever spelling and place.

A server knows the key that it was sent, and may repeat it: whole, its secret half alone, escaped as in JSON, a URL or
HTML, in base64, broken into two lines, or with characters between that nobody sees and that go when a line or a name
is made of it. What it says is read first, as it came, and the key is taken out of what was read before that is shown,
kept, logged or raised. So no key can change how an answer is read. Where none is repeated, looking for it is all that
this costs: every answer is looked through as it comes, and taken apart only if it has the key.

Where it looks, no variable holds the key alone: verbose tracebacks print the variables of a frame.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.entities import html5
from typing import Any, TypeVar

from httpx import Headers

_SHORTEST_KEY = 6  # characters with a colon in them: fal's have some seventy
_SHORTEST_SECRET = 12  # of what is taken out without a colon: fal's have 32, and hardly a word is so long
_TELLING = 4  # first characters of a key behind which the next piece may bring the rest: so many may be shown
_MOST_OF_IT = 8  # first characters that are taken out where the text ends with them
_LONGEST_LETTER = 20  # characters that one may take when it is escaped, in what is looked at piece by piece
_CONTEXT = _LONGEST_LETTER * _TELLING
_SLICE = 1 << 16
_WORD = "[key]"
# Characters without a width: Unicode's "Cf" of the plane in use, as themselves and as JSON writes them.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+")
_UNSEEN_IN_JSON = "00ad|061c|180e|20(?:0[b-f]|2[a-e]|6[0-9a-f])|feff|fff[9ab]"
_NAMES = {letter: name for name, letter in html5.items() if name.endswith(";") and len(letter) == 1}

Value = TypeVar("Value")


def can_be_a_key(key: str) -> bool:
    """Whether a key is long enough to be a secret: what is shorter stands in answers by chance."""
    return len(key) >= (_SHORTEST_KEY if ":" in key else _SHORTEST_SECRET)


class Redaction:
    """Takes one key out of text and of values.

    Args:
        key: ``<id>:<secret>``, or a token; nothing is taken out where it is empty.
    """

    __slots__ = ("__byte_forms", "__escape", "__forms", "__secret", "__starts", "__wholes")

    def __init__(self, key: str = "") -> None:
        half = key.partition(":")[2]
        self.__secret = half if len(half) >= _SHORTEST_SECRET else key
        coded = tuple(_in_base64(self.__secret))
        halves = (half for form in (self.__secret, *coded) for half in _halves(form))
        self.__forms = tuple(dict.fromkeys((*_cases(self.__secret), *coded, *halves)))
        self.__wholes = _cases(key)
        self.__starts = tuple({form[:_TELLING] for form in self.__forms})
        self.__byte_forms = tuple(form.encode("utf-8", "replace") for form in self.__forms)
        self.__escape = re.compile(_escape(self.__secret), re.IGNORECASE) if key else None

    def __repr__(self) -> str:
        return "<Redaction>"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled")

    def __bool__(self) -> bool:
        return bool(self.__secret)

    @property
    def longest(self) -> int:
        """The most characters that the key takes, escaped."""
        return _LONGEST_LETTER * len(self.__secret)

    def may_be_in(self, text: str) -> bool:
        """Whether a text has the beginning of a key, or a letter of it escaped; most texts have neither."""
        return any(map(text.__contains__, self.__starts)) or self._is_escaped(text)

    def is_in(self, text: str) -> bool:
        """Whether a text has the key, or its secret half."""
        return any(map(text.__contains__, self.__forms)) or (self._is_escaped(text) and self._is_in_plain(text))

    def is_in_file(self, data: bytes) -> bool:
        """Whether the bytes of a file have the secret as it is."""
        return bool(self) and self.__byte_forms[0] in data

    def is_in_body(self, data: bytes) -> bool:
        """Whether the bytes of a text have the key, in an encoding that holds ASCII; UTF-16 has zeros between."""
        if b"\0" in data:
            data = data.replace(b"\0", b"")
        if any(map(data.__contains__, self.__byte_forms)):
            return True
        may_be = b"\\" in data or b"%" in data or b"&" in data or not data.isascii()
        return may_be and self.is_in(data.decode("utf-8", "replace"))

    def text(self, text: str) -> str:
        """The text without the key. Where it is escaped, so are its letters elsewhere in the text no more."""
        if self._is_escaped(text) and self._is_in_plain(text):
            text = self._plain(text)
        for number in range(len(self.__wholes)):
            text = text.replace(self.__wholes[number], _WORD)
        for number in range(len(self.__forms)):
            text = text.replace(self.__forms[number], _WORD)
        begun = self.begun(text)
        return f"{text[:-begun]}{_WORD}" if begun >= _MOST_OF_IT else text

    def value(self, value: Value) -> Value:
        """A value without the key in any string or bytes of it: JSON, headers, dataclasses, lists of these."""
        holder: list[Any] = [value]
        rest: list[list[Any] | dict[Any, Any]] = [holder]
        for container in rest if self else ():  # it grows on the way: JSON may be nested deeper than calls may be
            for place, inner in list(container.items() if isinstance(container, dict) else enumerate(container)):
                changed = container[place] = self._changed(inner)
                if type(changed) in (list, dict):
                    rest.append(changed)
        whole: Value = holder[0]
        return whole

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a key; 0 where too few tell."""
        if not self:
            return 0
        end = text[-self.longest :]
        if self._is_escaped(end):
            return self._begun_escaped(end)
        return self._begun_plain(end)

    def _begun_plain(self, end: str) -> int:
        return max(self._begun_as(number, end) for number in range(len(self.__forms)))

    def _begun_as(self, number: int, end: str) -> int:
        """How many characters at the end of a text are the beginning of one form of the key."""
        at = end.find(self.__forms[number][:_TELLING], max(0, len(end) - len(self.__forms[number])))
        while at >= 0 and not self.__forms[number].startswith(end[at:]):
            at = end.find(self.__forms[number][:_TELLING], at + 1)
        return len(end) - at if at >= 0 else 0

    def _begun_escaped(self, end: str) -> int:
        """The same where letters of it are escaped, the last one perhaps not to its end."""
        plain, places, at = "", [], 0
        for escaped in self.__escape.finditer(end) if self.__escape else ():
            letter = _letter(escaped)
            plain += end[at : escaped.start()] + letter
            places += [*range(at, escaped.start()), *([escaped.start()] if letter else [])]
            at = escaped.end()
        rest = _CUT.sub("", end[at:])
        plain += rest
        places += range(at, at + len(rest))
        begun = self._begun_plain(plain)
        return len(end) - places[-begun] if begun else 0

    def _is_escaped(self, text: str) -> bool:
        """Whether a letter of the key is escaped in the text."""
        if self.__escape is None:
            return False
        if not text.isascii() and not text.isprintable() and _UNSEEN.search(text):
            return True
        may_be = "\\" in text or "%" in text or "&" in text
        return may_be and self.__escape.search(text) is not None

    def _is_in_plain(self, text: str) -> bool:
        return any(map(self._plain(text).__contains__, self.__forms))

    def _plain(self, text: str) -> str:
        """The text with the letters of the key as themselves."""
        return self.__escape.sub(_letter, text) if self.__escape is not None else text

    def _bytes(self, data: bytes) -> bytes:
        """Bytes of a file without the key: as many others stand in its place, so that the rest is where it was."""
        for number in range(len(self.__byte_forms)):
            data = data.replace(self.__byte_forms[number], b"*" * len(self.__byte_forms[number]))
        return data

    def _changed(self, value: Any) -> Any:
        """A value without the key; of a list or a dict only the names, and what is in it is to be looked at."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Headers):
            pairs = [(self.text(name), self.text(content)) for name, content in value.multi_items()]
            return Headers(pairs, encoding=value.encoding)
        if isinstance(value, Mapping):
            return {self.text(name) if isinstance(name, str) else name: inner for name, inner in value.items()}
        if isinstance(value, list):
            return list(value)
        if isinstance(value, tuple):
            return tuple(self.value(list(value)))
        if is_dataclass(value) and not isinstance(value, type):
            held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
            return replace(value, **self.value(held))
        return value


class KeyWatch:
    """Looks for a key in text that comes in pieces, cut anywhere.

    Attributes:
        seen: whether it has come.
        begun: how many characters at the end of what has come may be its beginning.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._last = ""
        self.seen = False
        self.begun = 0

    @property
    def is_suspicious(self) -> bool:
        """Whether it has come, or most of it at the end."""
        return self.seen or self.begun >= _MOST_OF_IT

    def passes(self, text: str) -> bool:
        """Take the next piece if nothing in it is like a key, as hardly anything is; return whether it was taken."""
        known = self._last + text
        if self.seen or self._redaction.may_be_in(known):
            return False
        self._last, self.begun = known[-_CONTEXT:], 0
        return True

    def feed(self, text: str) -> bool:
        """Take the next piece; return whether the key has come."""
        if self.seen or not self._redaction or self.passes(text):
            return self.seen
        known = self._last + text
        if self._redaction.is_in(known):
            self.seen, self._last, self.begun = True, "", 0
        else:
            self.begun = self._redaction.begun(known)
            self._last = known[-max(self.begun, _CONTEXT) :]
        return self.seen


class BodyWatch:
    """Looks for a key in the bytes of a body that is text, which come in pieces, cut anywhere.

    It looks when it is asked, or when there is much to look through: for each piece alone it would cost more.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._pieces: list[bytes] = []
        self._length = 0
        self._seen = False

    @property
    def seen(self) -> bool:
        """Whether the key has come."""
        self._look()
        return self._seen

    @property
    def is_suspicious(self) -> bool:
        """Whether it has come, or most of it at the end."""
        if self.seen:
            return True
        end = b"".join(self._pieces).decode("latin-1").replace("\0", "")
        return self._redaction.begun(end) >= _MOST_OF_IT

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._seen or not self._redaction:
            return
        self._pieces.append(data)
        self._length += len(data)
        if self._length > _SLICE:
            self._look()

    def _look(self) -> None:
        if not self._length:
            return
        text, self._length = b"".join(self._pieces), 0
        self._seen = self._seen or any(
            self._redaction.is_in_body(text[max(0, at - self._redaction.longest) : at + _SLICE])
            for at in range(0, len(text), _SLICE)
        )
        self._pieces = [text[-self._redaction.longest :]]


_CUT = re.compile(r"[\\%&][\w#;%&\\]{0,20}\Z")
"""What may be the beginning of an escaped letter."""


def _cases(text: str) -> tuple[str, ...]:
    """A text as it is and as the name of a header may be written."""
    return (text, text.lower(), text.upper(), text.title()) if text else ()


def _halves(form: str) -> tuple[str, ...]:
    """Both halves, one of which is whole where a line ends within; none where they were too short to be secret."""
    middle = len(form) // 2
    return (form[:middle], form[middle:]) if middle >= _SHORTEST_SECRET else ()


def _in_base64(secret: str) -> Iterator[str]:
    """What is the same in every base64 in which the secret stands, for each place where it may begin in three bytes."""
    for before in range(3 if len(secret) >= _SHORTEST_SECRET else 0):
        data = b"\0" * before + secret.encode("utf-8", "replace")
        encoded = base64.b64encode(data).decode()[(before * 8 + 5) // 6 : len(data) * 8 // 6]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


def _escape(secret: str) -> str:
    r"""What stands for a letter of the secret in JSON, in a URL or in HTML, escaped up to some times over."""
    letters = sorted({*secret.lower(), *secret.upper()})
    codes = _any_of(sorted({f"{ord(letter):02x}" for letter in letters}))
    numbers = "|".join(str(ord(letter)) for letter in letters)
    names = "|".join(re.escape(_NAMES[letter]) for letter in letters if letter in _NAMES) or "(?!)"
    signs = re.escape("".join(letter for letter in letters if not letter.isalnum())) or r"\0"
    return (
        rf"\\{{1,8}}(?:(?:u(?:0000)?00|u\{{0{{0,4}}|x)({codes})}}?|u(?:{_UNSEEN_IN_JSON})|(?=[{signs}]))"
        rf"|%(?:25){{0,4}}(?:u00)?({codes})"
        rf"|&(?:amp;){{0,4}}(?:#0{{0,5}}({numbers});?|#x0{{0,5}}({codes});?|({names}))"
        rf"|{_UNSEEN.pattern}"
    )


def _any_of(codes: list[str]) -> str:
    """Codes of two digits, by their first, which is looked at once."""
    firsts = dict.fromkeys(code[0] for code in codes)
    return "|".join(f"{first}[{''.join(code[1] for code in codes if code[0] == first)}]" for first in firsts)


def _letter(escaped: re.Match[str]) -> str:
    """The letter that an escape stands for; nothing for a mere backslash before it, or for what nobody sees."""
    if escaped.lastindex is None:
        return ""
    said = escaped[escaped.lastindex]
    return html5[said] if said.endswith(";") else chr(int(said, 10 if escaped.lastindex == 3 else 16))
