"""RouterOS API framing: sentences of length-prefixed words; bytes outside, latin-1 text inside (byte for byte)."""

from collections.abc import Iterable

from lab.mikrotik.errors import FramingError

# A word longer than this is a broken or hostile peer: real routers were never seen to take more than a few MB.
MAX_WORD_BYTES = 4 * 1024 * 1024
MAX_SENTENCE_WORDS = 4_096
MAX_SENTENCE_BYTES = 8 * 1024 * 1024
# "Before login only few and short sentences are accepted", says the manual, and not how short.
MAX_BYTES_BEFORE_LOGIN = 16 * 1024
END = b"\x00"
# (first byte below, bytes of length after the first, bits of the first byte that belong to the length)
_FORMS = ((0x80, 0, 0x7F), (0xC0, 1, 0x3F), (0xE0, 2, 0x1F), (0xF0, 3, 0x0F), (0xF8, 4, 0x00))
SHORT = tuple(bytes((length,)) for length in range(0x80))


def encode_length(length: int) -> bytes:
    """The shortest of the five length forms."""
    if length < 0x80:
        return SHORT[length]
    if length < 0x4000:
        return (length | 0x8000).to_bytes(2, "big")
    if length < 0x200000:
        return (length | 0xC00000).to_bytes(3, "big")
    if length < 0x10000000:
        return (length | 0xE0000000).to_bytes(4, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode_word(word: str) -> bytes:
    """One word with its length in front; characters are bytes (latin-1)."""
    raw = word.encode("latin-1")
    length = len(raw)
    return (SHORT[length] if length < 0x80 else encode_length(length)) + raw


def encode_sentence(words: Iterable[str]) -> bytes:
    """A whole sentence with its closing empty word."""
    return b"".join(map(encode_word, words)) + END


def decode_length(data: bytearray, offset: int) -> tuple[int, int] | None:
    """(length, bytes the length took) at `offset`, or None when more bytes are needed."""
    if offset >= len(data):
        return None
    first = data[offset]
    for below, more, mask in _FORMS:
        if first < below:
            end = offset + 1 + more
            if end > len(data):
                return None
            tail = int.from_bytes(data[offset + 1 : end], "big")
            return ((first & mask) << (8 * more)) | tail, 1 + more
    raise FramingError(f"control byte {first:#x} is reserved")


def to_wire(text: str) -> str:
    """Text as the bytes a client sends for it (UTF-8), one character per byte."""
    return text.encode("utf-8").decode("latin-1")


def from_wire(text: str) -> str:
    """Bytes as people read them: UTF-8 where they are that, else one character per byte."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


class SentenceReader:
    """Cuts a stream of bytes into sentences of at most `limit_bytes`; keeps what is not complete yet."""

    def __init__(self, limit_bytes: int = MAX_SENTENCE_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._data = bytearray()
        self._offset = 0
        self._words: list[str] = []
        self._bytes = 0

    @property
    def midway(self) -> bool:
        """True while a sentence has begun and not ended."""
        return bool(self._words) or self._offset < len(self._data)

    def feed(self, data: bytes) -> list[list[str]]:
        """All sentences completed by these bytes. Empty sentences are dropped, as the router does."""
        self._data += data
        sentences: list[list[str]] = []
        while (word := self._next_word()) is not None:
            if word:
                self._words.append(word)
                self._bytes += len(word)
                if len(self._words) > MAX_SENTENCE_WORDS:
                    raise FramingError("too many words in one sentence")
            elif self._words:
                sentences.append(self._words)
                self._words, self._bytes = [], 0
        del self._data[: self._offset]
        self._offset = 0
        return sentences

    def _next_word(self) -> str | None:
        head = decode_length(self._data, self._offset)
        if head is None:
            return None
        length, taken = head
        if length > MAX_WORD_BYTES or self._bytes + length > self.limit_bytes:
            raise FramingError(f"a word of {length} bytes is too long here")
        start = self._offset + taken
        if start + length > len(self._data):
            return None
        self._offset = start + length
        return self._data[start : start + length].decode("latin-1")
