"""Writes the seed corpus: seeds.py FOLDER. What clients say in the transcripts, the exports, some requests."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "Integration"))
from transcript import TRANSCRIPTS  # noqa: E402

REQUESTS = [
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    b"POST /a?b=%20 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\nHEAD http://x/y HTTP/1.1\r\nHost: x\r\n\r\n",
]  # fmt: skip
DOCUMENTS = [
    b'{"a": [1, -0.5e+3, true, false, null, "\\u00e9\\ud83d\\ude00\\n", {}], "": []}',
    b"// c\n{a: 'x\\\ny', b: +.5, c: 0xfF, d: Infinity, /* */ e: [1,],}",
    b'"\xf0\x9f\x98\x80"',
    b" [ [ [ ] ] ] ",
]
PEERS = [
    b"PROXY TCP4 203.0.113.9 192.0.2.25 51234 25\r\nEHLO x\r\n",
    b"PROXY TCP6 2001:db8::9 ::1 51234 25\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\xc0\x00\x02\x19\xc8\x22\x00\x19rest",
    b"220-sink ESMTP\r\n220 ready\r\n250-x\r\n250-SIZE 1000\r\n250 PIPELINING\r\n550 5.7.54 no\r\n",
]


def door_bits(options: dict[str, str]) -> int:
    """The options of a transcript as Fuzz/FuzzSMTP.swift reads them."""
    tls = options.get("tls")
    bits = {1: tls in ("offered", "required"), 2: tls == "required", 4: tls == "on", 8: "auth" in options}
    bits |= {16: "allowWithoutHello" in options, 32: "size" in options, 64: "errors" in options}
    return sum(bit for bit, is_set in bits.items() if is_set)


def seeds():
    for transcript in TRANSCRIPTS:
        sent = b"".join(value for kind, value in transcript.steps if kind == "C")
        yield "smtp", transcript.name, bytes([door_bits(transcript.options)]) + sent
        # Behind STARTTLS a fuzzed session ends: what is said inside TLS is a seed of its own.
        if any(kind == "T:" for kind, _ in transcript.steps):
            begun = [kind for kind, _ in transcript.steps].index("T:")
            inside = b"".join(value for kind, value in transcript.steps[begun:] if kind == "C")
            yield "smtp", transcript.name + "-inside", bytes([4 | 8]) + inside
    for number, document in enumerate(DOCUMENTS):
        yield "json", f"document-{number}", document
    for number, request in enumerate(REQUESTS):
        yield "http", f"request-{number}", request
    for number, octets in enumerate(PEERS):
        yield "peers", f"peer-{number}", octets


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for subject, name, octets in seeds():
        (folder / subject).mkdir(parents=True, exist_ok=True)
        for cuts in (0, 7):
            (folder / subject / f"{name}-{cuts}").write_bytes(bytes([cuts]) + octets)
