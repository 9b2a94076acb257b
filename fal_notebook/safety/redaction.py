"""Takes the user's key out of what a server says, in every spelling in which a server may repeat it.

A server knows the key that it was sent. It may repeat the whole key or its secret half, escaped as in JSON, a URL or
HTML, in base64, broken into two lines, or with invisible characters in it, which vanish when a line or a file name is
made of the text. An answer is first read as it came, so that no key changes how it is read. Then the key is taken out
of the values that were read, before they are shown, kept, logged or raised. Every answer is searched for the key as it
arrives; only an answer that has it is changed, so that all others cost no more than the search.

No local variable of a search holds the key alone, because verbose tracebacks print the variables of each frame.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.entities import html5
from typing import Any, TypeVar

from httpx import Headers

_SHORTEST_KEY = 6  # characters of a key with a colon: fal's have some seventy
_SHORTEST_SECRET = 12  # characters of a key or half without a colon: fal's have 32, and hardly a word has so many
_PREFIX_LENGTH = 4  # characters at the end of a text that are taken for the first ones of a key; fewer may be shown
_REDACTED_PREFIX = 8  # first characters of a key that are taken out where the whole text ends with them
_LONGEST_ESCAPE = 20  # characters of one escaped letter, in text that is searched piece by piece
_CONTEXT = _LONGEST_ESCAPE * _PREFIX_LENGTH  # last characters of a piece that are searched again with the next
_SLICE_BYTES = 1 << 16  # of a body that are searched at once
_PLACEHOLDER = "[key]"
# Characters without a width: Unicode's category Cf in the Basic Multilingual Plane, as themselves and escaped in JSON.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+")
_INVISIBLE_IN_JSON = "00ad|061c|180e|20(?:0[b-f]|2[a-e]|6[0-9a-f])|feff|fff[9ab]"
_ENTITY_NAMES = {letter: name for name, letter in html5.items() if name.endswith(";") and len(letter) == 1}

Value = TypeVar("Value")


def can_be_a_key(key: str) -> bool:
    """Whether a key is long enough to be a secret. A shorter one would stand in answers by chance."""
    return len(key) >= (_SHORTEST_KEY if ":" in key else _SHORTEST_SECRET)


class Redaction:
    """Takes one key out of text and of values.

    Args:
        key: ``<id>:<secret>``, or a token; where it is empty, nothing is taken out.
    """

    __slots__ = ("__byte_forms", "__escape", "__forms", "__secret", "__starts", "__wholes")

    def __init__(self, key: str = "") -> None:
        half = key.partition(":")[2]
        self.__secret = half if len(half) >= _SHORTEST_SECRET else key
        coded = tuple(_in_base64(self.__secret))
        halves = (half for form in (self.__secret, *coded) for half in _halves(form))
        self.__forms = tuple(dict.fromkeys((*_case_variants(self.__secret), *coded, *halves)))
        self.__wholes = _case_variants(key)
        self.__starts = tuple({form[:_PREFIX_LENGTH] for form in self.__forms})
        self.__byte_forms = tuple(form.encode("utf-8", "replace") for form in self.__forms)
        self.__escape = re.compile(_escape_pattern(self.__secret), re.IGNORECASE) if key else None

    def __repr__(self) -> str:
        return "<Redaction>"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled")

    def __bool__(self) -> bool:
        return bool(self.__secret)

    @property
    def longest(self) -> int:
        """The most characters that the key has when all its letters are escaped."""
        return _LONGEST_ESCAPE * len(self.__secret)

    def may_be_in(self, text: str) -> bool:
        """Whether a text has the first characters of the key, or an escaped letter of it; most texts have neither."""
        return any(map(text.__contains__, self.__starts)) or self._is_escaped(text)

    def is_in(self, text: str) -> bool:
        """Whether a text has the key or its secret half, in any spelling."""
        return any(map(text.__contains__, self.__forms)) or (self._is_escaped(text) and self._is_in_unescaped(text))

    def is_in_file(self, data: bytes) -> bool:
        """Whether the bytes of a file have the secret unescaped."""
        return bool(self) and self.__byte_forms[0] in data

    def is_in_body(self, data: bytes) -> bool:
        """Whether the bytes of a text have the key, in any encoding that contains ASCII, or in UTF-16."""
        if b"\0" in data:  # which UTF-16 has beside each ASCII letter
            data = data.replace(b"\0", b"")
        if any(map(data.__contains__, self.__byte_forms)):
            return True
        may_be = b"\\" in data or b"%" in data or b"&" in data or not data.isascii()
        return may_be and self.is_in(data.decode("utf-8", "replace"))

    def text(self, text: str) -> str:
        """The text without the key. If the key is escaped in it, the key's letters are unescaped in all of the text."""
        if self and not self.may_be_in(text):  # nor can its end be the beginning of the key
            return text
        if self._is_escaped(text) and self._is_in_unescaped(text):
            text = self._unescaped(text)
        for number in range(len(self.__wholes)):
            text = text.replace(self.__wholes[number], _PLACEHOLDER)
        for number in range(len(self.__forms)):
            text = text.replace(self.__forms[number], _PLACEHOLDER)
        length = self.partial_length(text)
        return f"{text[:-length]}{_PLACEHOLDER}" if length >= _REDACTED_PREFIX else text

    def value(self, value: Value) -> Value:
        """A value without the key in any of its strings and bytes: JSON, headers, dataclasses, lists of these."""
        holder: list[Any] = [value]
        rest: list[list[Any] | dict[Any, Any]] = [holder]
        for container in rest if self else ():  # grows in the loop: JSON may be nested too deeply for recursion
            for place, inner in list(container.items() if isinstance(container, dict) else enumerate(container)):
                changed = container[place] = self._redacted(inner)
                if type(changed) in (list, dict):
                    rest.append(changed)
        whole: Value = holder[0]
        return whole

    def partial_length(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of the key; 0 where these are too few."""
        if not self:
            return 0
        end = text[-self.longest :]
        if self._is_escaped(end):
            return self._partial_escaped(end)
        return self._partial_unescaped(end)

    def _partial_unescaped(self, end: str) -> int:
        return max(self._partial_of_form(number, end) for number in range(len(self.__forms)))

    def _partial_of_form(self, number: int, end: str) -> int:
        """`partial_length` for a single form of the key."""
        at = end.find(self.__forms[number][:_PREFIX_LENGTH], max(0, len(end) - len(self.__forms[number])))
        while at >= 0 and not self.__forms[number].startswith(end[at:]):
            at = end.find(self.__forms[number][:_PREFIX_LENGTH], at + 1)
        return len(end) - at if at >= 0 else 0

    def _partial_escaped(self, end: str) -> int:
        """`partial_length` for a text with escaped letters, of which the last escape may be cut off."""
        plain, places, at = "", [], 0
        for escaped in self.__escape.finditer(end) if self.__escape else ():
            letter = _unescaped_letter(escaped)
            plain += end[at : escaped.start()] + letter
            places += [*range(at, escaped.start()), *([escaped.start()] if letter else [])]
            at = escaped.end()
        rest = _CUT_ESCAPE.sub("", end[at:])
        plain += rest
        places += range(at, at + len(rest))
        length = self._partial_unescaped(plain)
        return len(end) - places[-length] if length else 0

    def _is_escaped(self, text: str) -> bool:
        """Whether a letter of the key is escaped in the text."""
        if self.__escape is None:
            return False
        if not text.isascii() and not text.isprintable() and _INVISIBLE.search(text):
            return True
        may_be = "\\" in text or "%" in text or "&" in text
        return may_be and self.__escape.search(text) is not None

    def _is_in_unescaped(self, text: str) -> bool:
        return any(map(self._unescaped(text).__contains__, self.__forms))

    def _unescaped(self, text: str) -> str:
        """The text with the key's letters unescaped."""
        return self.__escape.sub(_unescaped_letter, text) if self.__escape is not None else text

    def _bytes(self, data: bytes) -> bytes:
        """The bytes of a file with the key replaced by as many asterisks, so that the rest stays where it was."""
        for number in range(len(self.__byte_forms)):
            data = data.replace(self.__byte_forms[number], b"*" * len(self.__byte_forms[number]))
        return data

    def _redacted(self, value: Any) -> Any:
        """A value without the key. A list or a dict is copied, and the caller has to look at what is in it."""
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
        seen: whether the key has come.
        partial_length: how many characters at the end of the text so far may be the beginning of the key.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._last = ""
        self.seen = False
        self.partial_length = 0

    @property
    def is_suspicious(self) -> bool:
        """Whether the key has come, or the text so far ends with a good part of it."""
        return self.seen or self.partial_length >= _REDACTED_PREFIX

    def take_if_harmless(self, text: str) -> bool:
        """Take the next piece if nothing in it looks like the key, as with nearly all; return whether it was taken."""
        known = self._last + text
        if self.seen or self._redaction.may_be_in(known):
            return False
        self._last, self.partial_length = known[-_CONTEXT:], 0
        return True

    def feed(self, text: str) -> bool:
        """Take the next piece; return whether the key has come."""
        if self.seen or not self._redaction or self.take_if_harmless(text):
            return self.seen
        known = self._last + text
        if self._redaction.is_in(known):
            self.seen, self._last, self.partial_length = True, "", 0
        else:
            self.partial_length = self._redaction.partial_length(known)
            self._last = known[-max(self.partial_length, _CONTEXT) :]
        return self.seen


class BodyWatch:
    """Looks for a key in the bytes of a text body, which come in pieces, cut anywhere.

    Pieces are collected and searched together, when somebody asks or when they are many: a search of each costs more.
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
        """Whether the key has come, or the body so far ends with a good part of it."""
        if self.seen:
            return True
        end = b"".join(self._pieces).decode("latin-1").replace("\0", "")
        return self._redaction.partial_length(end) >= _REDACTED_PREFIX

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._seen or not self._redaction:
            return
        self._pieces.append(data)
        self._length += len(data)
        if self._length > _SLICE_BYTES:
            self._look()

    def _look(self) -> None:
        if not self._length:
            return
        text, self._length = b"".join(self._pieces), 0
        self._seen = self._seen or any(
            self._redaction.is_in_body(text[max(0, at - self._redaction.longest) : at + _SLICE_BYTES])
            for at in range(0, len(text), _SLICE_BYTES)
        )
        self._pieces = [text[-self._redaction.longest :]]


_CUT_ESCAPE = re.compile(r"[\\%&][\w#;%&\\]{0,20}\Z")
"""The beginning of an escaped letter, as a text may end with it."""


def _case_variants(text: str) -> tuple[str, ...]:
    """A text as it is, and in the cases in which a header's name may be written."""
    return (text, text.lower(), text.upper(), text.title()) if text else ()


def _halves(form: str) -> tuple[str, ...]:
    """Both halves: one stays whole where a line break cuts the form. None where they are too short to be secret."""
    middle = len(form) // 2
    return (form[:middle], form[middle:]) if middle >= _SHORTEST_SECRET else ()


def _in_base64(secret: str) -> Iterator[str]:
    """The letters that base64 has for the secret, whatever stands beside it.

    Base64 encodes three bytes together, so that these letters differ with the secret's place in the three.
    """
    for before in range(3 if len(secret) >= _SHORTEST_SECRET else 0):
        data = b"\0" * before + secret.encode("utf-8", "replace")
        encoded = base64.b64encode(data).decode()[(before * 8 + 5) // 6 : len(data) * 8 // 6]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


def _escape_pattern(secret: str) -> str:
    r"""A pattern for a letter of the secret that is escaped as in JSON, a URL or HTML, once or several times over."""
    letters = sorted({*secret.lower(), *secret.upper()})
    codes = _any_code(sorted({f"{ord(letter):02x}" for letter in letters}))
    numbers = "|".join(str(ord(letter)) for letter in letters)
    names = "|".join(re.escape(_ENTITY_NAMES[letter]) for letter in letters if letter in _ENTITY_NAMES) or "(?!)"
    signs = re.escape("".join(letter for letter in letters if not letter.isalnum())) or r"\0"
    return (
        rf"\\{{1,8}}(?:(?:u(?:0000)?00|u\{{0{{0,4}}|x)({codes})}}?|u(?:{_INVISIBLE_IN_JSON})|(?=[{signs}]))"
        rf"|%(?:25){{0,4}}(?:u00)?({codes})"
        rf"|&(?:amp;){{0,4}}(?:#0{{0,5}}({numbers});?|#x0{{0,5}}({codes});?|({names}))"
        rf"|{_INVISIBLE.pattern}"
    )


def _any_code(codes: list[str]) -> str:
    """A pattern for codes of two digits, grouped by the first digit, so that this is compared once."""
    firsts = dict.fromkeys(code[0] for code in codes)
    return "|".join(f"{first}[{''.join(code[1] for code in codes if code[0] == first)}]" for first in firsts)


def _unescaped_letter(escaped: re.Match[str]) -> str:
    """The letter that an escape stands for; nothing for a backslash before the letter itself, or an invisible one."""
    if escaped.lastindex is None:
        return ""
    said = escaped[escaped.lastindex]
    return html5[said] if said.endswith(";") else chr(int(said, 10 if escaped.lastindex == 3 else 16))
