"""Lines to messages and back, with one clear error for whatever is not a message. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

from wire.errors import Refused
from wire.framing import LINE_MAX
from wire.messages import tags

M = TypeVar("M")
EXPLANATION_MAX: Final = 200  # characters; a reason can quote what was sent, and that can be a whole line
_ENCODER: Final = msgspec.json.Encoder()


class _Head(msgspec.Struct):
    """What can be read off a line that is no message, to answer it all the same."""

    type: Any = None
    id: Any = None


_HEAD: Final = msgspec.json.Decoder(_Head)


class BadMessage(Refused):
    """A line that is no message of the union; `re` is its id where one could be read."""

    def __init__(self, code: str, text: str, re: str | None) -> None:
        super().__init__(code, text)
        self.re = re


class Codec(Generic[M]):
    """Decodes the messages of one union."""

    def __init__(self, union: Any) -> None:
        decoder = msgspec.json.Decoder(union)
        self._decode, self._decode_lines = decoder.decode, decoder.decode_lines
        self._tags = tags(union)

    def decode(self, line: bytes) -> M:
        """The message in `line`; raises BadMessage whatever the bytes are."""
        try:
            return self._decode(line)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as why:
            raise self._explain(line, why) from None

    def understood(self, lines: Iterable[bytes], passed_over: Callable[[BadMessage], None]) -> Iterator[M]:
        """The messages in `lines`; one of another version is passed over, and costs itself and not the link."""
        for line in lines:
            try:
                message = self.decode(line)
            except BadMessage as bad:
                passed_over(bad)
            else:
                yield message

    def decode_all(self, lines: list[bytes]) -> list[M] | None:
        """The messages in `lines`, for less than a third of what each alone takes; None where one of them is none, or
        looks as if: who is told why is told so by `decode`."""
        data = b"\n".join(lines)
        # A line break between these two is never inside of one object, which `decode_lines` would not mind.
        if data.count(b"}\n{") != len(lines) - 1:
            return None
        try:
            messages: list[M] = self._decode_lines(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return messages if len(messages) == len(lines) else None  # else two of them were on one line

    def _explain(self, line: bytes, why: Exception) -> BadMessage:
        try:
            head = _HEAD.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return BadMessage("bad_message", "this is not a JSON object in UTF-8", None)
        re = head.id if isinstance(head.id, str) and len(head.id) <= 64 else None
        if not isinstance(head.type, str):
            return BadMessage("bad_message", "a message has a type", re)
        if head.type not in self._tags:
            return BadMessage("unknown_type", "no message of this type may be sent here", re)
        text = "this is not UTF-8" if isinstance(why, UnicodeDecodeError) else str(why)[:EXPLANATION_MAX]
        return BadMessage("bad_message", text, re)


def encode(message: msgspec.Struct) -> bytes:
    """One message as a line, newline included."""
    return _ENCODER.encode(message) + b"\n"


def encode_all(messages: Iterable[msgspec.Struct]) -> bytes:
    """Many messages as lines, joined."""
    return _ENCODER.encode_lines(messages)


__all__ = ["LINE_MAX", "BadMessage", "Codec", "encode", "encode_all"]
