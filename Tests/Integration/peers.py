"""The next hops: a real Postfix of the tests' own, and a scripted sink that can misbehave."""

import base64
import datetime
import email
import email.policy
import ipaddress
import os
import pwd
import random
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _ports_of_nobody():
    """Each once: two listeners of one test must not draw the same. Below the range from which the kernel takes ports for
    outgoing connections, so that nobody takes one between the probe and its use."""
    first_of_kernel = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = list(range(10_000, 30_000) if first_of_kernel >= 30_000 else range(2_000, first_of_kernel))
    random.shuffle(ports)
    yield from ports


_PORTS = _ports_of_nobody()


def free_port() -> int:
    for port in _PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port is left")


def eventually(ask, within=10.0, every=0.05, what="it"):
    """The first true answer of `ask`; fails with the last answer when none comes in time."""
    deadline = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not happen within {within} s (last answer: {answer!r})"
        time.sleep(every)


def answers_as_smtp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as peer:
            return peer.recv(100).startswith(b"220")
    except OSError:
        return False


# --- certificates ---------------------------------------------------------------------------------------------------


@dataclass
class Certificate:
    certificate: Path
    key: Path


class Authority:
    """A certificate authority that signs what the tests need."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority {folder.name}")])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._builder(self._name, self._key).add_extension(basic, critical=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *addresses: str, days=30) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name)] + [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(subject, key, days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        made.key.chmod(0o600)
        return made

    def _builder(self, subject, key, days=30):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days))
        )


# --- Postfix --------------------------------------------------------------------------------------------------------

MAIN_CF = """\
compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
multi_instance_enable = yes
multi_instance_name = postfix-postern-{port}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = next.test.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
# Every domain is local here, and every mailbox is the one that the tests read.
virtual_mailbox_domains = static:all
virtual_transport = virtual
# What it takes and cannot deliver: it writes reports of its own.
transport_maps = regexp:{dir}/etc/transport
virtual_mailbox_base = {dir}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_recipient_restrictions = check_recipient_access regexp:{dir}/etc/recipients, permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
smtpd_peername_lookup = no
# What is missing in a mail must stay missing: to supply it is Postern's promise.
local_header_rewrite_clients =
smtpd_delay_reject = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {dir}/etc/tls.pem
smtpd_tls_key_file = {dir}/etc/tls.key
smtpd_tls_received_header = yes
smtputf8_enable = yes
message_size_limit = 52428800
virtual_mailbox_limit = 0
mailbox_size_limit = 0
in_flow_delay = 0
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
"""

MASTER_CF = """\
{port}    inet       n - n - - smtpd
pickup    unix       n - n 60 1 pickup
cleanup   unix       n - n - 0 cleanup
qmgr      unix       n - n 300 1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n - - trivial-rewrite
bounce    unix       - - n - 0 bounce
defer     unix       - - n - 0 bounce
trace     unix       - - n - 0 bounce
verify    unix       - - n - 1 verify
proxymap  unix       - - n - - proxymap
virtual   unix       - n n - 10 virtual
error     unix       - - n - - error
lost      unix       - n n - - pipe flags=q user=nobody argv=/bin/sh -c {{echo 5.1.1 User unknown in these tests; exit 67}}
retry     unix       - - n - - error
smtp      unix       - - n - - smtp
anvil     unix       - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

RECIPIENTS = """\
/^refused/ 550 5.1.1 Mailbox unknown here
/^deferred/ 450 4.2.1 Mailbox is busy
"""


TRANSPORT = """\
/^bounced/ lost:
"""


@dataclass
class Delivered:
    """A mail that arrived, with its envelope."""

    octets: bytes
    sender: str
    recipient: str
    mail: email.message.EmailMessage = field(init=False)

    def __post_init__(self):
        self.mail = email.message_from_bytes(self.octets, policy=email.policy.default)

    @property
    def text(self) -> str:
        # Text in base64 keeps its CRLFs (RFC 2045 6.8); a reader does not care.
        return self.mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


class Postfix:
    """A private Postfix with its own queue. It refuses refused…@ with 550, defers deferred…@ with 450, takes bounced…@ and
    reports that it cannot deliver it, keeps all else."""

    def __init__(self, certificate: Certificate):
        self.port = free_port()
        self._root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        # Not under pytest's folder: user postfix must be able to pass.
        self.dir = Path(tempfile.mkdtemp(prefix="postern-postfix-", dir="/tmp"))
        self.dir.chmod(0o755)
        for name in ("etc", "queue", "data", "mail"):
            (self.dir / name).mkdir(mode=0o755)
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(self.dir / "mail", owner.pw_uid, owner.pw_gid)
        etc = self.dir / "etc"
        (etc / "main.cf").write_text(self._settings(owner))
        (etc / "master.cf").write_text(MASTER_CF.format(port=self.port))
        (etc / "recipients").write_text(RECIPIENTS)
        (etc / "transport").write_text(TRANSPORT)
        shutil.copy(certificate.certificate, etc / "tls.pem")
        shutil.copy(certificate.key, etc / "tls.key")
        self._call("chown", "postfix", str(self.dir / "data"))

    def _settings(self, owner) -> str:
        return MAIN_CF.format(dir=self.dir, uid=owner.pw_uid, gid=owner.pw_gid, port=self.port)

    def start(self):
        started = self._call("postfix", "-c", str(self.dir / "etc"), "start", check=False)
        assert started.returncode == 0, started.stderr + self.log
        eventually(lambda: answers_as_smtp(self.port), what="Postfix")

    def stop(self):
        self._call("postfix", "-c", str(self.dir / "etc"), "stop", check=False)
        self._call("rm", "-rf", str(self.dir), check=False)

    @property
    def log(self) -> str:
        path = self.dir / "mail.log"
        return path.read_text() if path.exists() else ""

    def delivered(self) -> list[Delivered]:
        found = []
        for path in sorted((self.dir / "mail" / "new").glob("*")):
            octets = path.read_bytes()
            head = email.message_from_bytes(octets, policy=email.policy.compat32)
            # The outermost Received line of the delivering Postfix stands under its own three fields.
            found.append(Delivered(octets, head["Return-Path"].strip("<>"), head["Delivered-To"]))
        return found

    def about(self, marker: str, count=1, within=15) -> list[Delivered]:
        """The mails that hold `marker` in their first 100 KB, once there are at least `count`."""
        needle = marker.encode()

        def found():
            mails = [mail for mail in self.delivered() if needle in mail.octets[:100_000]]
            return mails if len(mails) >= count else None

        return eventually(found, within=within, what=f"{count} mail(s) about {marker}")

    def one(self, marker: str, within=15) -> Delivered:
        mails = self.about(marker, within=within)
        assert len(mails) == 1, f"{marker} arrived {len(mails)} times"
        return mails[0]

    def _call(self, *words, check=True):
        return subprocess.run(self._root + list(words), check=check, capture_output=True, text=True, timeout=30)


RELAYING_CF = """\
myhostname = branch.test.example
virtual_mailbox_domains =
relayhost = [127.0.0.1]:{submission}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = static:any:{key}
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = verify
smtp_tls_CAfile = {dir}/etc/ca.pem
smtp_tls_verify_cert_match = relay.test.example
"""


class RelayingPostfix(Postfix):
    """A Postfix that keeps nothing: it hands all mail to the gateway, logged on by SASL."""

    def __init__(self, certificate: Certificate, authority: Authority, submission: int, key: str):
        self.submission, self.key = submission, key
        super().__init__(certificate)
        shutil.copy(authority.file, self.dir / "etc" / "ca.pem")

    def _settings(self, owner) -> str:
        more = RELAYING_CF.format(dir=self.dir, submission=self.submission, key=self.key)
        # The last word on a setting is the one that counts.
        return super()._settings(owner) + more


# --- the scripted sink ----------------------------------------------------------------------------------------------


class Close(Exception):
    """Raised by a script: the sink drops the connection at once, with a reset."""


@dataclass
class Transaction:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    octets: bytes = b""
    tls: str | None = None
    user: str | None = None
    hello: str = ""
    #: What stood behind the paths of MAIL and of each accepted RCPT.
    parameters: str = ""
    wishes: list[str] = field(default_factory=list)

    @property
    def mail(self):
        return email.message_from_bytes(self.octets, policy=email.policy.default)


class Sink:
    """An SMTP server whose script may answer any stage in its own way.

    `script(stage, argument, session)` is asked at connect, hello, starttls, auth, mail, rcpt, data, body and dot. None
    lets the sink answer as a good server does; a string is the reply; raising `Close` resets the connection. `body` comes
    when the first octets of the content are there.
    """

    EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")

    def __init__(
        self,
        script=None,
        *,
        tls: Certificate | None = None,
        users: dict | None = None,
        address="127.0.0.1",
        port=None,
        size=None,
        extensions=EXTENSIONS,
    ):
        self.script = script or (lambda stage, argument, session: None)
        self.users, self.size, self.extensions = users, size, extensions
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls.certificate, tls.key)
        self.address, self.port = address, port or free_port()
        self.taken: list[Transaction] = []
        self.stages: list[tuple[str, str]] = []
        self.connections = 0
        self.lock = threading.Lock()
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                _SinkSession(sink, self.request).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def wait(self, count=1, within=10) -> list[Transaction]:
        eventually(lambda: len(self.taken) >= count, within=within, what=f"{count} mail(s) at the sink")
        return list(self.taken)

    def count(self, stage: str) -> int:
        with self.lock:
            return sum(1 for name, _ in self.stages if name == stage)


class _SinkSession:
    def __init__(self, sink: Sink, peer: socket.socket):
        self.sink, self.peer, self.buffer = sink, peer, b""
        self.peer.settimeout(60)
        self.tls = self.user = None
        self.hello = ""
        self.transaction = Transaction()

    def run(self):
        with self.sink.lock:
            self.sink.connections += 1
        try:
            if self.answer("connect", "", "220 sink.test.example ESMTP")[0] in "45":
                return
            while (line := self.line()) is not None:
                if self.command(line) is False:
                    return
        except Close:
            linger = struct.pack("ii", 1, 0)  # close with a reset, as a dying host does
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.peer.close()

    def command(self, line: str):
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if verb in ("EHLO", "HELO"):
            self.hello, self.transaction = argument, Transaction()
            self.answer("hello", line, self.greeting(verb))
        elif verb == "STARTTLS":
            if self.answer("starttls", "", "220 2.0.0 Ready")[0] == "2" and self.sink.context:
                self.peer = self.sink.context.wrap_socket(self.peer, server_side=True)
                self.tls, self.buffer = self.peer.version(), b""
        elif verb == "AUTH":
            self.authenticate(argument)
        elif verb == "MAIL":
            self.transaction = Transaction(path(argument), tls=self.tls, user=self.user, hello=self.hello)
            self.transaction.parameters = argument.partition(">")[2].strip()
            self.answer("mail", argument, "250 2.1.0 Ok")
        elif verb == "RCPT":
            if self.answer("rcpt", path(argument), "250 2.1.5 Ok")[0] == "2":
                self.transaction.recipients.append(path(argument))
                self.transaction.wishes.append(argument.partition(">")[2].strip())
        elif verb == "DATA":
            self.data()
        elif verb == "BDAT":
            self.chunk(argument)
        elif verb == "RSET":
            self.transaction = Transaction()
            self.send("250 2.0.0 Ok")
        elif verb == "NOOP":
            self.send("250 2.0.0 Ok")
        elif verb == "QUIT":
            self.send("221 2.0.0 Bye")
            return False
        else:
            self.send("502 5.5.2 Unknown")

    def greeting(self, verb):
        words = ["sink.test.example", *self.sink.extensions]
        if self.sink.size:
            words.append(f"SIZE {self.sink.size}")
        if self.sink.context and not self.tls:
            words.append("STARTTLS")
        if self.sink.users:
            words.append("AUTH PLAIN LOGIN")
        if verb == "HELO":
            words = words[:1]
        return "\r\n".join("250" + ("-" if word != words[-1] else " ") + word for word in words)

    def authenticate(self, argument):
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            if not initial:
                self.send("334 ")
                initial = self.line()
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            if not initial:
                self.send("334 VXNlcm5hbWU6")
                initial = self.line()
            user = base64.b64decode(initial).decode()
            self.send("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        good = bool(self.sink.users) and self.sink.users.get(user) == password
        if self.answer("auth", mechanism.upper(), "235 2.7.0 Ok" if good else "535 5.7.8 Wrong")[0] == "2":
            self.user = user

    def data(self):
        if not self.transaction.recipients:
            return self.send("503 5.5.1 No recipient")
        if self.answer("data", "", "354 Go on")[0] != "3":
            return None
        while not self.buffer:
            self.more()
        self.tell("body", "")
        octets, self.buffer = self.content()
        self.transaction.octets = octets.replace(b"\r\n..", b"\r\n.")
        reply = self.tell("dot", "") or f"250 2.0.0 Taken as {len(self.sink.taken) + 1}"
        if reply.startswith("2"):
            with self.sink.lock:
                self.sink.taken.append(self.transaction)
        self.transaction = Transaction()
        self.send(reply)

    def chunk(self, argument):
        size, _, last = argument.partition(" ")
        while len(self.buffer) < int(size):
            self.more()
        self.transaction.octets += self.buffer[: int(size)]
        self.buffer = self.buffer[int(size) :]
        self.answer("chunk", argument, "250 2.0.0 Taken")
        if last:
            with self.sink.lock:
                self.sink.taken.append(self.transaction)
            self.transaction = Transaction()

    def content(self) -> tuple[bytes, bytes]:
        """What stands before the final dot, and what follows it."""
        read, searched = bytearray(b"\r\n" + self.buffer), 0
        while (end := read.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(read) - 4)
            octets = self.peer.recv(65536)
            if not octets:
                raise Close
            read += octets
        return bytes(read[2 : end + 2]), bytes(read[end + 5 :])

    def tell(self, stage, argument):
        with self.sink.lock:
            self.sink.stages.append((stage, argument))
        return self.sink.script(stage, argument, self)

    def answer(self, stage, argument, otherwise) -> str:
        reply = self.tell(stage, argument) or otherwise
        self.send(reply)
        return reply

    def send(self, reply):
        self.peer.sendall(reply.encode() + b"\r\n")

    def more(self):
        octets = self.peer.recv(65536)
        if not octets:
            raise Close
        self.buffer += octets

    def line(self):
        while b"\r\n" not in self.buffer:
            octets = self.peer.recv(65536)
            if not octets:
                return None
            self.buffer += octets
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "surrogateescape")


def path(argument: str) -> str:
    return argument.partition(":")[2].strip().partition(" ")[0].strip("<>")
