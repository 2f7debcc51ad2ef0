"""The second mail transport agent: an Exim of the tests' own, unpacked beside Postfix, which Debian would have it displace."""

import email
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from peers import Certificate, Delivered, answers_as_smtp, eventually, free_port
from postern import ROOT

BINARY = ROOT / ".build" / "clients" / "exim4-daemon-light" / "usr" / "sbin" / "exim4"
USER, PASSWORD = "relay@corp.example", "open sesame"
SIZE = 1_000_000

CONFIGURATION = """\
primary_hostname = second.test.example
exim_user = {user}
exim_group = {group}
exim_path = {binary}
deliver_drop_privilege = true
spool_directory = {dir}/spool
pid_file_path = {dir}/spool/pid
log_file_path = {dir}/log/%s.log
log_selector = +pipelining +8bitmime
keep_environment =
disable_ipv6 = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
rfc1413_hosts =
smtp_accept_queue_per_connection = 0
message_size_limit = {size}
tls_advertise_hosts = *
tls_certificate = {dir}/tls.pem
tls_privatekey = {dir}/tls.key
dsn_advertise_hosts = *
chunking_advertise_hosts = {chunking}
auth_advertise_hosts = *
acl_smtp_rcpt = recipient

begin acl
recipient:
  deny   local_parts = ^refused
         message = 5.1.1 Mailbox unknown here
  defer  local_parts = ^greylisted
         condition = ${{if exists{{{dir}/busy}}}}
         message = 4.2.0 Greylisted, come again
  deny   local_parts = ^members
         !authenticated = *
         message = 5.7.1 For members only
  accept

begin routers
here:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  directory = {dir}/mail
  maildir_format
  user = {user}
  group = {group}
  batch_max = 100
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{login}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{login}}}{{{password}}}fail}}
  server_set_id = $auth1
"""


class Exim:
    """A private Exim with its own queue. It refuses refused…@ with 550, defers greylisted…@ while `busy`, takes mail for
    members…@ only from who is logged on, refuses what is larger than `SIZE`, keeps all else."""

    def __init__(self, certificate: Certificate, chunking=True):
        self.port = free_port()
        # Its own user must be able to pass.
        self.dir = Path(tempfile.mkdtemp(prefix="postern-exim-", dir="/tmp"))
        self.dir.chmod(0o755)
        owner = pwd.getpwnam("Debian-exim") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for name in ("spool", "log", "mail"):
            (self.dir / name).mkdir(mode=0o755)
            os.chown(self.dir / name, owner.pw_uid, owner.pw_gid)
        for source, name in ((certificate.certificate, "tls.pem"), (certificate.key, "tls.key")):
            shutil.copy(source, self.dir / name)
            os.chown(self.dir / name, owner.pw_uid, owner.pw_gid)
        settings = CONFIGURATION.format(
            dir=self.dir, binary=BINARY, port=self.port, user=owner.pw_uid, group=owner.pw_gid, size=SIZE,
            login=USER, password=PASSWORD, chunking="*" if chunking else "",
        )  # fmt: skip
        self.settings = self.dir / "exim.conf"
        self.settings.write_text(settings)
        self.settings.chmod(0o644)
        self.process = None

    def start(self):
        words = [str(BINARY), "-bdf", "-C", str(self.settings)]
        with open(self.dir / "said", "wb") as said:
            self.process = subprocess.Popen(words, stdout=said, stderr=said, stdin=subprocess.DEVNULL)

        def answers():
            assert self.process.poll() is None, (self.dir / "said").read_text() + self.log
            return answers_as_smtp(self.port)

        eventually(answers, what="Exim")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def busy(self) -> Path:
        return self.dir / "busy"

    @property
    def log(self) -> str:
        path = self.dir / "log" / "main.log"
        return path.read_text() if path.exists() else ""

    def arrival(self, marker: str) -> str:
        """What its log says of the arrival of the mail whose envelope or Message-ID holds `marker`."""
        lines = [line for line in self.log.splitlines() if " <= " in line and marker in line]
        assert len(lines) == 1, self.log
        return lines[0]

    def delivered(self) -> list[Delivered]:
        found = []
        for path in sorted((self.dir / "mail" / "new").glob("*")):
            octets = path.read_bytes()
            head = email.message_from_bytes(octets, policy=email.policy.compat32)
            found.append(Delivered(octets, head["Return-path"].strip("<>"), head["Envelope-to"]))
        return found

    def about(self, marker: str, count=1, within=15) -> list[Delivered]:
        """The mails that hold `marker`, once there are at least `count`."""
        needle = marker.encode()

        def found():
            mails = [mail for mail in self.delivered() if needle in mail.octets]
            return mails if len(mails) >= count else None

        return eventually(found, within=within, what=f"{count} mail(s) about {marker}")

    def one(self, marker: str) -> Delivered:
        mails = self.about(marker)
        assert len(mails) == 1, f"{marker} arrived {len(mails)} times"
        return mails[0]
