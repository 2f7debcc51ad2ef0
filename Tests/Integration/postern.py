"""A gateway under test: its configuration, its process, its commands, and clients for its two doors."""

import base64
import copy
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from document import Document
from peers import Authority, eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("POSTERN", ROOT / ".build" / "release" / "postern"))
HOSTNAME = "relay.test.example"
FINAL = {"relayed", "delivered", "failed", "suppressed", "canceled", "expired"}
DOCUMENT = Document()

EXIT_USAGE, EXIT_DATA, EXIT_TEMPORARY, EXIT_CONFIGURATION = 64, 65, 75, 78


def marker(word="m") -> str:
    """A word that no other mail holds."""
    return f"{word}{uuid.uuid4().hex[:12]}"


# --- HTTP -----------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    method: str
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json()["code"]

    @property
    def pointers(self) -> list[str]:
        return [error.get("pointer") for error in self.json().get("errors", [])]

    @property
    def id(self):
        return self.json()["id"]


class Client:
    """Speaks to the HTTP door; each answer is held against the document."""

    def __init__(self, port: int, key: str | None = None, source: str | None = None, scheme="bearer"):
        self.port, self.key, self.source, self.scheme = port, key, source, scheme

    def request(self, method, target, body=None, headers=None, *, json_body=None, within=20) -> Answer:
        sent = self.credentials() | {name: str(value) for name, value in (headers or {}).items()}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", "application/json")
        source = (self.source, 0) if self.source else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within, source_address=source)
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            octets = response.read()
        finally:
            connection.close()
        answer = Answer(method, response.status, merged(response.getheaders()), octets)
        DOCUMENT.judge(method, target, answer)
        return answer

    def credentials(self) -> dict[str, str]:
        if not self.key:
            return {}
        if self.scheme == "basic":
            return {"Authorization": "Basic " + base64.b64encode(f"any:{self.key}".encode()).decode()}
        if self.scheme == "x-api-key":
            return {"X-API-Key": self.key}
        return {"Authorization": f"Bearer {self.key}"}

    def get(self, target, **more) -> Answer:
        return self.request("GET", target, **more)

    def post(self, target, value=None, **more) -> Answer:
        return self.request("POST", target, json_body=value, **more)

    def send(self, message: dict | None = None, *, headers=None, query="", **fields) -> Answer:
        whole = {"from": "app@corp.example", "to": "ops@corp.example", "subject": "Test", "text": "Test."}
        whole |= message or {}
        whole |= {name.rstrip("_"): value for name, value in fields.items()}
        whole = {name: value for name, value in whole.items() if value is not None}
        return self.post("/v1/messages" + query, whole, headers=headers)

    def message(self, identifier: str) -> dict:
        answer = self.get(f"/v1/messages/{identifier}")
        assert answer.status == 200, answer
        return answer.json()

    def until(self, identifier: str, *statuses: str, within=15) -> dict:
        """The message, once its status is one of those named (any final one by default)."""
        wanted, deadline = set(statuses) or FINAL, time.monotonic() + within
        while (message := self.message(identifier))["status"] not in wanted:
            assert time.monotonic() < deadline, f"not {' or '.join(sorted(wanted))} within {within} s: {message}"
            time.sleep(0.05)
        return message

    def events(self, identifier: str) -> list[str]:
        answer = self.get(f"/v1/messages/{identifier}/events")
        assert answer.status == 200, answer
        return [event["type"] for event in answer.json()["data"]]


def merged(pairs) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def exchange(port, octets: bytes | list[bytes], *, expect=1, within=8, pause=0.05, method="POST"):
    """Sends octets as they are; (answers, closed). `closed` tells whether the gateway ended the connection after them."""
    with socket.create_connection(("127.0.0.1", port), timeout=within) as peer:
        for piece in [octets] if isinstance(octets, bytes) else octets:
            try:
                peer.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break  # refused early: the answer may be there all the same
            time.sleep(pause if isinstance(octets, list) else 0)
        return read_answers(peer, expect=expect, within=within, method=method)


def read_answers(peer, *, expect=1, within=8, method="POST"):
    """What comes until there are so many final answers, and a moment longer: a surplus answer must not stay unseen."""
    received, answers, closed = b"", [], False
    deadline, satisfied = time.monotonic() + within, False
    while not closed and time.monotonic() < deadline:
        if not satisfied and len([a for a in answers if a.status >= 200]) >= expect:
            deadline, satisfied = time.monotonic() + 0.3, True
        peer.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            more = peer.recv(65536)
        except TimeoutError:
            break
        except ConnectionResetError:
            more = b""
        closed = not more
        received += more
        while (found := _first_answer(received, closed, method)) is not None:
            answer, received = found
            answers.append(answer)
    return answers, closed


def _first_answer(octets: bytes, ended: bool, method: str):
    head, mark, rest = octets.partition(b"\r\n\r\n")
    if not mark:
        return None
    lines = head.decode("latin-1").split("\r\n")
    assert re.match(r"HTTP/1\.1 \d{3} ", lines[0] + " "), f"no status line: {lines[0]!r}"
    status = int(lines[0].split(" ")[1])
    headers = merged(line.split(": ", 1) for line in lines[1:])
    if status < 200 or status in (204, 304) or method == "HEAD":
        return Answer(method, status, headers, b""), rest
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size, mark, rest = rest.partition(b"\r\n")
            if not mark or len(rest) < int(size, 16) + 2:
                return None
            length = int(size, 16)
            body, rest = body + rest[:length], rest[length + 2 :]
            if length == 0:
                return Answer(method, status, headers, body), rest
    length = int(headers.get("content-length", len(rest) if ended else 1 << 40))
    return None if len(rest) < length else (Answer(method, status, headers, rest[:length]), rest[length:])


# --- SMTP -----------------------------------------------------------------------------------------------------------


class Session:
    """A raw SMTP conversation: what is sent goes out as it is."""

    def __init__(self, port: int, source: str | None = None, greet=True, within=15):
        source = (source, 0) if source else None
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=within, source_address=source)
        self.buffer = b""
        if greet:
            self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, octets: bytes):
        self.peer.sendall(octets)

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def reply(self) -> str:
        """The whole reply with its lines joined by LF; empty when the gateway closed."""
        lines = []
        while True:
            while b"\r\n" not in self.buffer:
                try:
                    more = self.peer.recv(65536)
                except ConnectionResetError:
                    more = b""
                if not more:
                    return "\n".join(lines)
                self.buffer += more
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    def envelope(self, sender="printer@corp.example", *recipients: str) -> list[str]:
        """EHLO, MAIL and RCPT; the last replies, without EHLO's."""
        self.say("EHLO printer")
        replies = [self.say(f"MAIL FROM:<{sender}>")]
        return replies + [self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]

    def data(self, octets: bytes) -> str:
        go = self.say("DATA")
        assert go.startswith("354"), go
        self.send(octets)
        return self.reply()


# --- the gateway ----------------------------------------------------------------------------------------------------


@dataclass
class App:
    name: str
    id: str
    key: str


@dataclass
class Ran:
    status: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)

    @property
    def all(self):
        return self.out + self.err


@dataclass
class Gateway:
    """One `postern serve` with a folder of its own. `change` edits the configuration before it is written."""

    folder: Path
    authority: Authority
    next_hop: int | str
    change: object = None
    process: subprocess.Popen | None = None
    http: int = field(default_factory=free_port)
    smtp: int = field(default_factory=free_port)
    submission: int = field(default_factory=free_port)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "postern.json5"
        self.log_file = self.folder / "log"
        self._admin: Client | None = None
        self._starts = 0
        tls = self.authority.issue(HOSTNAME, "127.0.0.1")
        self.config = {
            "hostname": HOSTNAME,
            "dataDirectory": str(self.folder / "data"),
            "certificates": [
                {"name": "default", "certificateFile": str(tls.certificate), "keyFile": str(tls.key)},
            ],
            "receiveConnectors": [
                {
                    "name": "HTTP API",
                    "protocol": "http",
                    "bindings": [f"127.0.0.1:{self.http}"],
                    "tls": {"mode": "none"},
                    "permissionGroups": ["applications"],
                },
                {
                    "name": "Default Frontend",
                    "protocol": "smtp",
                    "bindings": [f"127.0.0.1:{self.smtp}"],
                    "tls": {"mode": "offered"},
                    "permissionGroups": ["anonymous"],
                    "limits": {"tarpit": "0s"},
                },
                {
                    "name": "Printers",
                    "protocol": "smtp",
                    "bindings": [f"127.0.0.1:{self.smtp}"],
                    "remoteIPRanges": ["127.0.0.7"],
                    "tls": {"mode": "none"},
                    "permissionGroups": ["anonymous"],
                    "rights": ["acceptAnyRecipient"],
                    "limits": {"tarpit": "0s"},
                },
                {
                    "name": "Client Frontend",
                    "protocol": "smtp",
                    "bindings": [f"127.0.0.1:{self.submission}"],
                    "tls": {"mode": "required"},
                    "authentication": ["plain", "login"],
                    "permissionGroups": ["applications"],
                    "limits": {"tarpit": "0s"},
                },
            ],
            "acceptedDomains": [
                {"domain": "corp.example", "type": "internalRelay"},
                {"domain": "*.lab.example", "type": "authoritative"},
            ],
            "sendConnectors": [
                {
                    "name": "Next",
                    "addressSpaces": ["*"],
                    "smartHosts": [self._host(self.next_hop)],
                    "tls": "opportunistic",
                },
            ],
            "delivery": {"retry": ["1s*30", "5s"]},
        }
        if self.change:
            self.change(self.config)
        self.write()

    @staticmethod
    def _host(next_hop):
        return next_hop if isinstance(next_hop, str) else f"127.0.0.1:{next_hop}"

    def connector(self, name: str) -> dict:
        return next(c for c in self.config["receiveConnectors"] if c["name"] == name)

    def write(self, config: dict | None = None):
        self.file.write_text("// written by the tests\n" + json.dumps(config or self.config, indent=2) + "\n")

    def copy_of_config(self) -> dict:
        return copy.deepcopy(self.config)

    # process

    def start(self) -> "Gateway":
        assert self.process is None, "it runs already"
        with open(self.log_file, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", self.file],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )
        self._starts += 1

        def ready():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log[-3000:]}"
            return re.search(r"\bready\b", self.log[begin:])

        eventually(ready, within=15, every=0.02, what="the log line `ready`")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=35) -> int:
        """Drains; the exit status."""
        self.signal(signal.SIGTERM)
        return self.ended(within)

    def ended(self, within=35) -> int:
        try:
            return self.process.wait(within)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def kill(self):
        """As a power cut would end it."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def shut(self):
        if self.process:
            self.kill()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    # commands

    def run(self, *words, input=None, env=None, within=30, config=True) -> Ran:
        words = [str(word) for word in words]
        if config:
            words += ["--config", str(self.file)]
        whole = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN")} | (env or {})
        done = subprocess.run(
            [BINARY, *words],
            input=input or "",
            capture_output=True,
            text=True,
            timeout=within,
            env=whole,
            cwd=self.folder,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def ask(self, *words, **more):
        """A command that must succeed, with its JSON."""
        ran = self.run(*words, "--json", **more)
        assert ran.status == 0, f"postern {' '.join(map(str, words))}: {ran}"
        return ran.json()

    def app(self, *flags, name=None, known=True, **more) -> App:
        """Adds an application; with `known` it waits until a running gateway knows the key (within a second)."""
        name = name or marker("app")
        made = self.ask("app", "add", name, *flags, **more)
        app = App(name, made["id"], made["key"])
        if known and self.process:
            eventually(lambda: self.client(app).get("/v1/me").status != 401, within=1, what="the new key")
        return app

    def client(self, app: App | str | None = None, **more) -> Client:
        key = app.key if isinstance(app, App) else app
        return Client(self.http, key, **more)

    @property
    def admin(self) -> Client:
        if self._admin is None:
            self._admin = self.client(self.ask("key", "issue", "--admin")["key"])
            eventually(lambda: self._admin.get("/v1/me").status == 200, what="the administrator's key")
        return self._admin

    def ready_client(self, *flags, **more) -> Client:
        """A client of a new application."""
        return self.client(self.app(*flags), **more)
