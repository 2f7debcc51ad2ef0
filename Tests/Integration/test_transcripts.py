"""The conversations that the session's own tests replay, through the running gateway to a next hop."""

import base64
import hmac
import json
import ssl

import pytest

from peers import Sink, eventually, free_port
from postern import Gateway, Session
from transcript import TRANSCRIPTS, matches

LOCAL = "127.0.0.1"
PASSWORD = b"secret"


@pytest.fixture(scope="module")
def next_hop():
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def house(tmp_path_factory, authority, next_hop):
    """A gateway with a connector for each set of options; `printer` has the password `secret` and may relay."""
    ports: dict[str, int] = {}

    def change(config):
        config |= {"hostname": "relay.corp.example", "postmaster": "postmaster@corp.example"}
        http = config["receiveConnectors"][0]
        config["receiveConnectors"] = [http]
        for transcript in TRANSCRIPTS:
            kind = json.dumps(transcript.options, sort_keys=True)
            if kind not in ports:
                ports[kind] = free_port()
                config["receiveConnectors"].append(connector(ports[kind], transcript.options))

    gateway = Gateway(tmp_path_factory.mktemp("transcripts"), authority, next_hop.port, change)
    try:
        gateway.start()
        app = gateway.app("--relay", "external", "--sender", "*")
        logon = ("--app", app.name, "--username", "printer", "--password-stdin", "--cram-md5")
        gateway.ask("credential", "add", *logon, input=PASSWORD.decode())
        yield ports
    finally:
        gateway.shut()


def connector(port: int, options: dict[str, str]) -> dict:
    """What the options of a transcript mean in a configuration."""
    mode = options.get("tls", "none")
    made = {
        "name": f"Port {port}",
        "bindings": [f"{LOCAL}:{port}"],
        "tls": {"mode": "implicit" if mode == "on" else mode},
        "permissionGroups": ["applications"] if "applications" in options else ["anonymous"],
        "limits": {"messageSize": options.get("size", "1000"), "tarpit": "0s", "connectionsPerSource": 1000},
    }
    if "auth" in options:
        made["authentication"] = options["auth"].split(",")
    if "allowWithoutHello" in options:
        made["allowWithoutHello"] = True
    if "errors" in options:
        made["limits"]["protocolErrors"] = int(options["errors"])
    if "suppress" in options:
        made["suppressKeywords"] = options["suppress"].split(",")
    if "anyRecipient" in options:
        made["rights"] = ["acceptAnyRecipient"]
    return made


class Replay:
    def __init__(self, transcript, ports, next_hop, context):
        self.transcript, self.next_hop, self.context = transcript, next_hop, context
        # Each from an address of its own: failed logons are counted by source.
        self.peer = f"127.1.0.{TRANSCRIPTS.index(transcript) + 1}"
        port = ports[json.dumps(transcript.options, sort_keys=True)]
        self.session = Session(port, source=self.peer, greet=False)
        self.challenge: tuple[bytes, bytes] | None = None
        if transcript.options.get("tls") == "on":
            self.encrypt()
        self.kept: list[list[str]] = []
        self.before = len(next_hop.taken)

    def run(self):
        with self.session:
            for kind, value in self.transcript.steps:
                self.step(kind, value)
            self.session.peer.settimeout(0.02)
            assert not self.session.buffer and self.rest() == b"", "more was said than written down"
        if self.kept:
            self.arrived()

    def step(self, kind, value):
        if kind == "C":
            self.session.send(self.answering(value))
        elif kind == "T:":
            self.encrypt()
        elif kind == "S:":
            line = self.line()
            written = self.challenged(line, value).replace("10.1.20.7", self.peer)
            assert matches(line, written), f"{line!r} is not {value!r}"
            if line.startswith("250 2.6.0"):
                self.kept.append([])
        elif kind == "S+":
            lines = [self.line()]
            while lines[-1][3:4] == "-":
                lines.append(self.line())
            assert any(matches(line[:3] + " " + line[4:], value) for line in lines), f"{value!r} is not among {lines}"
        elif kind == "M:":
            self.kept[-1].append(value)
        elif kind == "E:":
            assert self.line() == "", "the server does not close"
        else:
            raise AssertionError(f"no such line: {kind}")

    def line(self) -> str:
        while b"\r\n" not in self.session.buffer:
            try:
                more = self.session.peer.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return ""
            self.session.buffer += more
        line, _, self.session.buffer = self.session.buffer.partition(b"\r\n")
        return line.decode()

    def rest(self) -> bytes:
        try:
            return self.session.peer.recv(100)
        except (TimeoutError, ssl.SSLWantReadError, ConnectionResetError):
            return b""

    def encrypt(self):
        self.session.peer = self.context.wrap_socket(self.session.peer, server_hostname=LOCAL)

    def challenged(self, line: str, written: str) -> str:
        """A challenge of CRAM-MD5 is never the one that was written down; the answer to it changes with it."""
        if "cram-md5" not in self.transcript.options.get("auth", "") or not line.startswith("334 "):
            return written
        self.challenge = (b"" if "*" in written else base64.b64decode(written[4:]), base64.b64decode(line[4:]))
        assert self.challenge[1].startswith(b"<") and self.challenge[1].endswith(b"@relay.corp.example>")
        return line

    def answering(self, octets: bytes) -> bytes:
        if self.challenge is None:
            return octets
        (written, given), self.challenge = self.challenge, None
        try:
            user, _, digest = base64.b64decode(octets).partition(b" ")
        except ValueError:
            return octets
        if digest.lower().decode("latin-1") != hmac.new(PASSWORD, written, "md5").hexdigest():
            return octets
        right = hmac.new(PASSWORD, given, "md5").hexdigest().encode()
        return base64.b64encode(user + b" " + (right.upper() if digest.isupper() else right)) + b"\r\n"

    def arrived(self):
        """Each mail that was answered 250 comes to the next hop, with every line that was written down, in order."""

        def all_there():
            mails = [mail.octets.decode().split("\r\n") for mail in self.next_hop.taken[self.before :]]
            return all(any(holds(mail, wanted) for mail in mails) for wanted in self.kept)

        eventually(all_there, what=f"the arrival of {self.kept}")


def holds(mail: list[str], wanted: list[str]) -> bool:
    rest = iter(mail)
    return all(line in rest for line in wanted)


@pytest.fixture(scope="module")
def trusting(authority):
    return ssl.create_default_context(cafile=str(authority.file))


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_a_conversation_goes_as_written(transcript, house, next_hop, trusting):
    Replay(transcript, house, next_hop, trusting).run()
