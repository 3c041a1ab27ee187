"""Read JSON Lines and JSON strictly: every line and every item is a record, a `Broken` with its place, or an error.

A key that stands twice in an object breaks its record, because only one of the two values could be kept. NaN and the
infinities are null.
"""

import codecs
import json
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from reset.errors import ResetError
from reset.examples.raw_json import Broken, not_utf8, require_object, undecoded

CHUNK = 1 << 20  # characters of a JSON file read at a time
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"  # byte order mark and zero-width characters, skipped where a file starts
_BLANK = " \t\r\n"
_LONGEST_WORD = len("-Infinity")  # what a chunk can cut, apart from strings and numbers


class Decoder:
    """A strict JSON decoder, which remembers whether a key stood twice."""

    def __init__(self) -> None:
        self._repeated = ""
        self._json = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=lambda _: None)

    def value(self, text: str, start: int = 0) -> tuple[object, int]:
        """Return the value that begins at `start`, and where it ends. Raises `json.JSONDecodeError`."""
        self._repeated = ""
        try:
            return self._json.raw_decode(text, start)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:  # a value of too many levels, a number of too many digits
            what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise json.JSONDecodeError(what, text, start) from error

    def record(self, item: object) -> dict[str, object]:
        """Return the last value as a record. Raises `ResetError` if it is none, or if a key stood twice in it."""
        if self._repeated:
            raise ResetError(f"the key '{self._repeated}' stands twice")
        return require_object(item)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        record = dict(pairs)
        if len(record) < len(pairs):
            names = [name for name, _ in pairs]
            self._repeated = next(name for name in names if names.count(name) > 1)
        return record


def json_lines(path: object, stream: BinaryIO) -> Iterator[dict[str, object] | Broken]:
    """Yield the record of each line of `stream`, or why it is none; blank lines are skipped. `path` is for messages."""
    decoder = Decoder()
    for number, line in enumerate(stream, start=1):
        if line.strip():
            try:
                yield _line_record(decoder, line.removeprefix(codecs.BOM_UTF8), first=number == 1)
            except ResetError as error:
                yield Broken(f"{path}:{number}: {error.message}")


def _line_record(decoder: Decoder, line: bytes, *, first: bool) -> dict[str, object]:
    try:
        text = line.decode().strip(_BLANK + INVISIBLE if first else _BLANK)
        item, end = decoder.value(text)
    except UnicodeDecodeError as error:
        raise ResetError(f"{not_utf8(line, error.start)} (byte {error.start} of the line)") from error
    except ValueError as error:
        raise ResetError(f"not JSON ({error})") from error
    if end < len(text):
        raise ResetError(f"not JSON (more text behind the value, from character {end + 1} of the line)")
    return decoder.record(item)


def json_document(path: object, stream: TextIO) -> Iterator[dict[str, object] | Broken]:
    """Yield the items of the array in `stream`, or its one object, with little more than one item in memory.

    Raises `ResetError`, with file and line, for anything else: a second value behind the first, items without a comma,
    an array without an end. `stream` must keep bytes that are not UTF-8 as halves of surrogate pairs.
    """
    reader = _Reader(path, stream)
    if not reader.peek():
        return
    if reader.peek() != "[":
        yield reader.item(1)
    else:
        reader.skip()
        number = 0
        while reader.peek() != "]" or number:
            yield reader.item(number := number + 1)
            if (separator := reader.peek()) == "]":
                break
            if separator != ",":
                raise reader.fault(f"',' or ']' expected behind item {number}" if separator else "the array has no end")
            reader.skip()
        reader.skip()
    if reader.peek():
        raise reader.fault("a second value behind the first; a file of one record per line must be named .jsonl")


class _Reader:
    """Reads a JSON file value by value, and counts its lines."""

    def __init__(self, path: object, stream: TextIO) -> None:
        self._path, self._stream, self._decoder = path, stream, Decoder()
        self._buffer, self._at, self._line = "", 0, 1  # the line of the buffer's first character
        self._more(CHUNK)
        self._at = len(self._buffer) - len(self._buffer.lstrip(_BLANK + INVISIBLE))

    def peek(self) -> str:
        """Return the next character that is no blank, without moving past it; "" at the end of the file."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._buffer) or not self._more(CHUNK):
                return self._buffer[self._at : self._at + 1]

    def skip(self) -> None:
        """Move past the character that `peek` has shown."""
        self._at += 1

    def item(self, number: int) -> dict[str, object] | Broken:
        """Return the next value, which is item `number`, as a record or as broken."""
        self.peek()
        if self._at >= CHUNK:
            self._forget()
        item, end = self._value()
        start, self._at = self._at, end
        try:
            if fault := undecoded(self._buffer[start:end]):
                raise ResetError(fault)
            return self._decoder.record(item)
        except ResetError as error:
            return Broken(f"{self._path}:{self._line_at(start)}: item {number}: {error.message}")

    def fault(self, what: str, at: int | None = None) -> ResetError:
        """Return the error `what`, with the line of the next character or of the place `at` in the buffer."""
        return ResetError(f"{self._path}:{self._line_at(self._at if at is None else at)}: not JSON ({what})")

    def _value(self) -> tuple[object, int]:
        """Return the next value and where it ends in the buffer; read on while more text could complete it."""
        size = CHUNK
        while True:
            try:
                item, end = self._decoder.value(self._buffer, self._at)
            except json.JSONDecodeError as error:
                may_go_on = error.msg.startswith("Unterminated") or error.pos >= len(self._buffer) - _LONGEST_WORD
                if not (may_go_on and self._more(size)):
                    raise self.fault(error.msg.removesuffix(" at").removesuffix(" starting"), error.pos) from error
            else:
                if end < len(self._buffer) or not self._more(size):  # more text may continue a number
                    return item, end
            size *= 2

    def _line_at(self, at: int) -> int:
        return self._line + self._buffer.count("\n", 0, at)

    def _more(self, size: int) -> bool:
        """Read `size` characters more; False at the end of the file."""
        more = self._stream.read(size)
        self._buffer += more
        return bool(more)

    def _forget(self) -> None:
        """Drop what has been read."""
        self._line = self._line_at(self._at)
        self._buffer, self._at = self._buffer[self._at :], 0
