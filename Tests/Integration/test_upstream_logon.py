"""Logons at the next hop beyond a plain password: CRAM-MD5, tokens from everywhere, and client certificates."""

import base64
import hmac
import http.server
import json
import ssl
import threading
import urllib.parse

import pytest

from peers import eventually, free_port
from postern import EXIT_CONFIGURATION, marker

USER = "relay@corp.example"


class LogonHop:
    """A sink that knows CRAM-MD5 and XOAUTH2; `good` holds the passwords and tokens it takes."""

    def __init__(self, sink, mechanism, *good, tls=None):
        self.good, self.seen, self.asked = set(good), [], []
        extensions = ("PIPELINING", "8BITMIME", f"AUTH {mechanism}")
        self.sink = sink(tls=tls, extensions=extensions)
        self.sink.logon = self
        _patch(self.sink)

    @property
    def host(self):
        return self.sink.host


def _patch(sink):
    import peers

    if getattr(peers._SinkSession, "_knows_tokens", False):
        return
    plain = peers._SinkSession.authenticate

    def authenticate(self, argument):
        logon = getattr(self.sink, "logon", None)
        return plain(self, argument) if logon is None else _authenticate(self, logon, argument)

    peers._SinkSession.authenticate = authenticate
    peers._SinkSession._knows_tokens = True


def _authenticate(session, logon, argument):
    mechanism, _, initial = argument.partition(" ")
    logon.seen.append((mechanism, bool(initial)))
    if mechanism == "CRAM-MD5":
        challenge = b"<1.2@sink>"
        session.send("334 " + base64.b64encode(challenge).decode())
        user, digest = base64.b64decode(session.line()).decode().rsplit(" ", 1)
        good = any(hmac.new(word.encode(), challenge, "md5").hexdigest() == digest for word in logon.good)
    else:
        if not initial:
            session.send("334 ")
            initial = session.line()
        fields = base64.b64decode(initial).decode().split("\x01")
        user, token = fields[0].removeprefix("user="), fields[1].removeprefix("auth=Bearer ")
        logon.asked.append(token)
        good = token in logon.good
        if not good:
            session.send("334 " + base64.b64encode(b'{"status":"400"}').decode())
            assert session.line() == ""
    if session.answer("auth", mechanism, "235 2.7.0 Ok" if good else "535 5.7.3 Authentication unsuccessful")[0] == "2":
        session.user = user


class Endpoint:
    """A token endpoint: tokens token-1, token-2, … in turn."""

    def __init__(self, tls=None, lifetime=3600):
        self.forms, self.fails = [], False
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.forms.append(dict(urllib.parse.parse_qsl(body)))
                token = f"token-{len(endpoint.forms)}"
                answer = {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}
                if endpoint.fails:
                    answer = {"error": "invalid_client", "error_description": "no such secret"}
                octets = json.dumps(answer).encode()
                self.send_response(400 if endpoint.fails else 200)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                pass

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/oauth2/v2.0/token"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint():
    made = []

    def make(**more):
        made.append(Endpoint(**more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def routed(hop, **authentication):
    def change(config):
        config["sendConnectors"] = [
            {
                "name": "Next",
                "addressSpaces": ["*"],
                "smartHosts": [hop.host],
                "tls": "none",
                "authentication": {"username": USER} | authentication,
            }
        ]

    return change


def sent(gateway) -> str:
    return gateway.ready_client().send(subject=marker(), headers={"Prefer": "wait=10"}).json()["status"]


def test_cram_md5_shows_no_password(own, sink, tmp_path):
    hop = LogonHop(sink, "PLAIN CRAM-MD5", "päss wörd")
    secret = tmp_path / "password"
    secret.write_text("päss wörd\n")
    gateway = own(change=routed(hop, mechanism="cram-md5", passwordFile=str(secret))).start()
    assert sent(gateway) == "relayed"
    assert hop.sink.taken[0].user == USER and hop.seen == [("CRAM-MD5", False)]


def test_cram_md5_is_not_given_up_for_a_mechanism_that_shows_the_password(own, sink, tmp_path):
    hop = LogonHop(sink, "PLAIN LOGIN", "x")
    secret = tmp_path / "password"
    secret.write_text("x")
    gateway = own(change=routed(hop, mechanism="cram-md5", passwordFile=str(secret))).start()
    client = gateway.ready_client()
    message = client.until(client.send().id, "deferred")
    assert "offers only AUTH PLAIN LOGIN" in message["recipients"][0]["last_reply"]["text"]
    assert hop.seen == []


@pytest.mark.parametrize("length", [40, 3000])
def test_a_token_from_a_file_is_read_again_when_it_changes(own, sink, tmp_path, length):
    old, new = "o" * length, "n" * length
    hop = LogonHop(sink, "XOAUTH2", new)
    file = tmp_path / "token"
    file.write_text(old + "\n")
    gateway = own(change=routed(hop, mechanism="xoauth2", tokenFile=str(file))).start()
    client = gateway.ready_client()
    answer = client.send()
    message = client.until(answer.id, "deferred", "queued")
    eventually(lambda: hop.asked == [old], what="one logon with the old token")
    file.write_text(new + "\n")
    client.post(f"/v1/messages/{answer.id}/retry")
    client.until(answer.id, "relayed")
    assert hop.sink.taken[0].user == USER
    assert all(inline == (length < 100) for _, inline in hop.seen), "a long token stands on a line of its own"
    assert old not in gateway.log and new not in gateway.log


def test_a_token_from_a_command(own, sink):
    hop = LogonHop(sink, "XOAUTH2", "from-a-command")
    command = ["/usr/bin/printf", "%s\\n", "from-a-command"]
    gateway = own(change=routed(hop, mechanism="xoauth2", tokenCommand=command)).start()
    assert sent(gateway) == "relayed"


def test_client_credentials_over_https_with_a_private_authority(own, sink, endpoint, authority, tmp_path):
    issuer = endpoint(tls=authority.issue("login.test.example", "127.0.0.1"))
    hop = LogonHop(sink, "XOAUTH2", "token-1")
    secret = tmp_path / "secret"
    secret.write_text("s&cret\n")
    grant = {"tokenURL": issuer.url, "clientID": "id", "clientSecretFile": str(secret), "scope": "a b"}
    change = routed(hop, mechanism="xoauth2", caFile=str(authority.file), **grant)
    gateway = own(change=change).start()
    assert [sent(gateway), sent(gateway)] == ["relayed", "relayed"]
    wanted = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "s&cret", "scope": "a b"}
    assert issuer.forms == [wanted], "one token serves both"
    assert "s&cret" not in gateway.log and "token-1" not in hop.sink.taken[0].octets.decode()
    stranger = own(change=routed(hop, mechanism="xoauth2", **grant)).start()
    client = stranger.ready_client()
    message = client.until(client.send().id, "deferred")
    assert "no token" in message["recipients"][0]["last_reply"]["text"], "an unknown authority is not trusted"
    assert len(issuer.forms) == 1


def test_a_refused_token_is_replaced_once_and_then_the_route_waits(own, sink, endpoint, tmp_path):
    issuer = endpoint()
    hop = LogonHop(sink, "XOAUTH2", "token-2")
    refresh = tmp_path / "refresh"
    refresh.write_text("r0")
    grant = {"tokenURL": issuer.url, "clientID": "id", "refreshTokenFile": str(refresh)}
    gateway = own(change=routed(hop, mechanism="xoauth2", **grant)).start()
    assert sent(gateway) == "relayed"
    assert hop.asked == ["token-1", "token-2"] and len(issuer.forms) == 2
    assert issuer.forms[0] == {"grant_type": "refresh_token", "refresh_token": "r0", "client_id": "id"}
    hop.good.clear()
    hop.asked.clear()
    gateway = own(change=routed(hop, mechanism="xoauth2", **grant)).start()
    client = gateway.ready_client()
    message = client.until(client.send().id, "deferred", "queued")
    eventually(lambda: "rests" in gateway.log, what="the route's condition in the log")
    assert len(hop.asked) == 2 and hop.sink.count("mail") == 1
    assert message["status"] != "failed"


def test_an_endpoint_that_refuses_is_the_routes_condition(own, sink, endpoint, tmp_path):
    issuer = endpoint()
    issuer.fails = True
    hop = LogonHop(sink, "XOAUTH2", "token-2")
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    grant = {"tokenURL": issuer.url, "clientID": "id", "clientSecretFile": str(secret)}
    gateway = own(change=routed(hop, mechanism="xoauth2", **grant)).start()
    client = gateway.ready_client()
    answer = client.send()
    client.until(answer.id, "deferred", "queued")
    eventually(lambda: "invalid_client: no such secret" in gateway.log, what="the endpoint's words in the log")
    assert "geheim" not in gateway.log
    issuer.fails = False
    client.post(f"/v1/messages/{answer.id}/retry")
    client.until(answer.id, "relayed")


def test_a_client_certificate_is_shown_to_a_hop_that_asks(own, sink, authority):
    hop = sink(tls=authority.issue("hop.test.example", "127.0.0.1"))
    hop.context.verify_mode = ssl.CERT_REQUIRED
    hop.context.load_verify_locations(authority.file)
    route = {"name": "Next", "addressSpaces": ["*"], "smartHosts": [hop.host], "tls": "required"}
    for certificate, status in [({"certificate": "default"}, "relayed"), ({}, "deferred")]:
        gateway = own(change=lambda config: config.update(sendConnectors=[route | certificate])).start()
        client = gateway.ready_client()
        assert client.until(client.send().id, "relayed", "deferred")["status"] == status


@pytest.mark.parametrize(
    "authentication, words",
    [
        ({"mechanism": "xoauth2"}, "needs one of tokenFile, tokenCommand and tokenURL"),
        ({"mechanism": "xoauth2", "tokenFile": "/absent"}, "/absent cannot be read"),
        ({"mechanism": "xoauth2", "tokenFile": "/a", "tokenURL": "https://h/"}, "keep one of them"),
        ({"mechanism": "xoauth2", "tokenCommand": ["token"]}, "absolute path"),
        ({"mechanism": "xoauth2", "tokenURL": "http://login.example/", "clientID": "i"}, "must begin with https://"),
        ({"mechanism": "xoauth2", "tokenURL": "login.example", "clientID": "i"}, "an https:// address"),
        ({"mechanism": "xoauth2", "tokenURL": "https://h/"}, "clientID"),
        ({"mechanism": "xoauth2", "tokenURL": "https://h/", "clientID": "i", "clientSecret": "x"}, "clientSecretFile"),
        ({"mechanism": "plain", "tokenFile": "/etc/hostname"}, "has no meaning with plain"),
        ({"mechanism": "cram-md5"}, "needs a password"),
        ({"mechanism": "ntlm"}, '"xoauth2"'),
    ],
)
def test_check_names_what_is_wrong_with_a_logon(own, authentication, words):
    gateway = own(change=lambda config: config["sendConnectors"][0].update(authentication={"username": "u"} | authentication))
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION and words in ran.all, ran


def test_check_names_a_client_certificate_that_is_not_there(own):
    gateway = own(change=lambda config: config["sendConnectors"][0].update(certificate="other"))
    ran = gateway.run("check")
    assert ran.status == EXIT_CONFIGURATION and 'there is "default"' in ran.all
