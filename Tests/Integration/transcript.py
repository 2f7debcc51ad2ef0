"""The conversations of Tests/Transcripts, read as Tests/WireTests/SMTP/Transcript.swift reads them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "Transcripts"
ESCAPES = {"n": b"\n", "r": b"\r"}


@dataclass
class Transcript:
    name: str
    options: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, object]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Transcript":
        made = cls(path.stem)
        for line in path.read_text().split("\n"):
            if not line or line.startswith("#"):
                continue
            kind, text = line[:2], line[3:]
            if kind == "O:":
                made.options |= {word.partition("=")[0]: word.partition("=")[2] for word in text.split()}
            elif kind in ("C:", "C-"):
                made.send(octets(text) + (b"\r\n" if kind == "C:" else b""))
            else:
                made.steps.append((kind, text))
        return made

    def send(self, more: bytes):
        """Lines in a row are sent at once."""
        if self.steps and self.steps[-1][0] == "C":
            more = self.steps.pop()[1] + more
        self.steps.append(("C", more))


def octets(text: str) -> bytes:
    def value(escape):
        letter = escape[1]
        return chr(int(escape[2], 16)).encode("latin-1") if letter.startswith("x") else ESCAPES.get(letter, letter.encode())

    parts, last = [], 0
    for escape in re.finditer(r"\\(x(..)|.)", text):
        parts += [text[last : escape.start()].encode(), value(escape)]
        last = escape.end()
    return b"".join([*parts, text[last:].encode()])


def matches(line: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line) is not None


TRANSCRIPTS = [Transcript.read(path) for path in sorted(FOLDER.glob("*.smtp"))]
