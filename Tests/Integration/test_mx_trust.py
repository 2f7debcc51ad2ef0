"""Mail exchangers that have to prove who they are: DANE, MTA-STS, and what happens where they cannot."""

import hashlib
import http.server
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from nameserver import loopback_address
from peers import Authority
from test_mx import by_mx, sent

MX = "mx.x.test"


def content(path, selector) -> bytes:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if selector == 0:
        return certificate.public_bytes(serialization.Encoding.DER)
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def tlsa(path, usage, selector, matching):
    octets = content(path, selector)
    return (usage, selector, matching, [octets, hashlib.sha256(octets).digest(), hashlib.sha512(octets).digest()][matching])


def one_domain(names, host, *records):
    return names(
        {
            "x.test": [("MX", (10, MX))],
            MX: [("A", host.address)],
            f"_25._tcp.{MX}": [("TLSA", record) for record in records],
        }
    )


def validating(server, **route):
    """A route whose resolver is believed, if `validating` is not said to be false."""
    dns = {"servers": [server.host], "validating": route.pop("validating", True)}
    return by_mx(server, **({"tls": "opportunistic", "dns": dns} | route))


def attempt(gateway, *status):
    client = gateway.ready_client()
    answer = client.send(to="someone@x.test")
    return client.until(answer.id, *status)["recipients"][0]


def proof(gateway):
    """What the last attempt knew of the host, and by what."""
    client = gateway.ready_client()
    answer = client.send(to="someone@x.test", headers={"Prefer": "wait=10"})
    events = client.get(f"/v1/messages/{answer.id}/events").json()["data"]
    tls = [event for event in events if event["type"] == "relayed"][0]["detail"]["tls"]
    assert tls["version"].startswith("TLSv1.") and tls["cipher"]
    return tls["verified"], tls.get("by")


def with_chain(authority, made):
    """DANE-TA needs the authority's certificate in the handshake (RFC 7672 3.1.2)."""
    made.certificate.write_bytes(made.certificate.read_bytes() + authority.file.read_bytes())
    return made


# --- DANE -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usage, selector, matching", [(3, 1, 1), (3, 1, 2), (3, 0, 1), (3, 0, 2), (3, 1, 0), (3, 0, 0)])
def test_a_certificate_that_dns_names_needs_no_authority_and_no_name(
    own, names, exchanger, tmp_path, usage, selector, matching
):
    certificate = Authority(tmp_path).issue("some-other-name.test")
    host = exchanger(tls=certificate)
    server = one_domain(names, host, tlsa(certificate.certificate, usage, selector, matching))
    gateway = own(change=validating(server)).start()
    assert sent(gateway, "someone@x.test")["status"] == "relayed"
    assert host.taken[0].tls


@pytest.mark.parametrize("selector, matching", [(0, 1), (1, 1), (0, 2), (0, 0)])
def test_an_authority_that_dns_names_vouches_for_the_host_and_its_name(own, names, exchanger, tmp_path, selector, matching):
    authority = Authority(tmp_path)
    host = exchanger(tls=with_chain(authority, authority.issue(MX)))
    server = one_domain(names, host, tlsa(authority.file, 2, selector, matching))
    assert sent(own(change=validating(server)).start(), "someone@x.test")["status"] == "relayed"
    wrong = exchanger(tls=with_chain(authority, authority.issue("wrong.test")))
    server = one_domain(names, wrong, tlsa(authority.file, 2, selector, matching))
    assert attempt(own(change=validating(server)).start(), "deferred", "relayed")["status"] == "deferred"
    assert wrong.count("mail") == 0


@pytest.mark.parametrize("trouble", ["another certificate", "no STARTTLS", "TLSA cannot be looked up"])
def test_a_host_that_is_not_the_one_dns_names_gets_no_mail_and_no_plain_text(own, names, exchanger, tmp_path, trouble):
    authority = Authority(tmp_path)
    certificate = authority.issue(MX)
    shown = {"another certificate": authority.issue("other.test"), "no STARTTLS": None}.get(trouble, certificate)
    host = exchanger(tls=shown)
    server = one_domain(names, host, tlsa(certificate.certificate, 3, 1, 1))
    if "TLSA" in trouble:
        server.failing.add(f"_25._tcp.{MX}")
    recipient = attempt(own(change=validating(server)).start(), "deferred", "relayed")
    assert recipient["status"] == "deferred"
    assert host.count("mail") == 0


def test_the_next_exchanger_is_asked_where_one_cannot_prove_itself(own, names, exchanger, tmp_path):
    authority = Authority(tmp_path)
    good, false = authority.issue("good.x.test"), authority.issue("false.x.test")
    first, second = exchanger(tls=false), exchanger(tls=good)
    server = names(
        {
            "x.test": [("MX", (10, "a.x.test")), ("MX", (20, "b.x.test"))],
            "a.x.test": [("A", first.address)],
            "b.x.test": [("A", second.address)],
            "_25._tcp.a.x.test": [("TLSA", tlsa(good.certificate, 3, 1, 1))],
            "_25._tcp.b.x.test": [("TLSA", tlsa(good.certificate, 3, 1, 1))],
        }
    )
    assert sent(own(change=validating(server)).start(), "someone@x.test")["status"] == "relayed"
    assert first.count("mail") == 0 and len(second.taken) == 1


@pytest.mark.parametrize("why", ["the resolver is not trusted", "the exchangers are unsigned", "the host is unsigned"])
def test_what_nobody_vouches_for_binds_nobody(own, names, exchanger, tmp_path, why):
    authority = Authority(tmp_path)
    host = exchanger(tls=authority.issue("other.test"))
    server = one_domain(names, host, tlsa(authority.issue(MX).certificate, 3, 1, 1))
    if why == "the exchangers are unsigned":
        server.unsigned.add("x.test")
    if why == "the host is unsigned":
        server.unsigned.add(MX)
    gateway = own(change=validating(server, validating="not trusted" not in why)).start()
    assert proof(gateway) == (False, None)
    if "not trusted" in why:
        assert server.count(f"_25._tcp.{MX}", "TLSA") == 0


def test_records_for_other_uses_demand_tls_and_no_more(own, names, exchanger, tmp_path):
    authority = Authority(tmp_path)
    certificate = authority.issue("other.test")
    unusable = tlsa(certificate.certificate, 1, 1, 1)
    host = exchanger(tls=certificate)
    assert (
        sent(own(change=validating(one_domain(names, host, unusable))).start(), "someone@x.test")["status"] == "relayed"
    )
    assert host.taken[0].tls
    plain = exchanger()
    server = one_domain(names, plain, unusable)
    assert attempt(own(change=validating(server)).start(), "deferred", "relayed")["status"] == "deferred"


# --- MTA-STS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def policy_site(low_ports):
    """Makes sites at port 443 of an address of their own: `policy_site(certificate, text)`."""
    made = []

    def make(certificate, text, status=200, kind="text/plain"):
        class Site(http.server.BaseHTTPRequestHandler):
            asked = []

            def do_GET(self):
                self.asked.append((self.headers["Host"], self.path))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        address = loopback_address()
        server = http.server.ThreadingHTTPServer((address, 443), Site)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        made.append(server)
        Site.address = address
        return Site

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def policy(mode, *patterns) -> str:
    return "\r\n".join(["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in patterns), "max_age: 86400", ""])


def with_policy(names, host, site, identifier="1"):
    return names(
        {
            "x.test": [("MX", (10, MX))],
            MX: [("A", host.address)],
            "_mta-sts.x.test": [("TXT", f"v=STSv1; id={identifier};")],
            "mta-sts.x.test": [("A", site.address)],
        }
    )


CASES = [
    # mode, what the policy names, what the host shows, what becomes of the mail
    ("enforce", MX, "good", "relayed"),
    ("enforce", "*.x.test", "good", "relayed"),
    ("enforce", "other.x.test", "good", "deferred"),
    ("enforce", MX, "wrong name", "deferred"),
    ("enforce", MX, "stranger", "deferred"),
    ("enforce", MX, None, "deferred"),
    ("testing", "other.x.test", None, "relayed"),
    ("none", MX, None, "relayed"),
]


@pytest.mark.parametrize("mode, named, shown, expected", CASES)
def test_a_policy_decides_who_gets_the_mail(
    own, names, exchanger, policy_site, authority, tmp_path, mode, named, shown, expected
):
    certificate = {
        "good": lambda: authority.issue(MX),
        "wrong name": lambda: authority.issue("wrong.x.test"),
        "stranger": lambda: Authority(tmp_path).issue(MX),
        None: lambda: None,
    }[shown]()
    host = exchanger(tls=certificate)
    site = policy_site(authority.issue("mta-sts.x.test"), policy(mode, named))
    server = with_policy(names, host, site)
    gateway = own(change=by_mx(server, tls="opportunistic", caFile=str(authority.file))).start()
    recipient = attempt(gateway, "relayed", "deferred")
    assert recipient["status"] == expected, recipient
    assert (host.count("mail") > 0) == (expected == "relayed")
    assert site.asked[0] == ("mta-sts.x.test", "/.well-known/mta-sts.txt")
    if expected == "deferred" and named != MX:
        assert "MTA-STS" in recipient["last_reply"]["text"]


def test_a_policy_is_fetched_once_and_kept(own, names, exchanger, policy_site, authority):
    host = exchanger(tls=authority.issue(MX), extensions=())
    site = policy_site(authority.issue("mta-sts.x.test"), policy("enforce", MX))
    server = with_policy(names, host, site)
    change = by_mx(server, tls="opportunistic", caFile=str(authority.file), limits={"messagesPerConnection": 1})
    gateway = own(change=change).start()
    for _ in range(5):
        assert proof(gateway) == (True, "mta-sts")
    assert len(site.asked) == 1


@pytest.mark.parametrize("trouble", ["no such page", "a page for humans", "a certificate of nobody's"])
def test_a_policy_that_cannot_be_had_is_none(own, names, exchanger, policy_site, authority, tmp_path, trouble):
    host = exchanger()
    certificate = (Authority(tmp_path) if "nobody" in trouble else authority).issue("mta-sts.x.test")
    status, kind = (404 if "no such" in trouble else 200), ("text/html" if "humans" in trouble else "text/plain")
    site = policy_site(certificate, policy("enforce", MX), status, kind)
    server = with_policy(names, host, site)
    gateway = own(change=by_mx(server, tls="opportunistic", caFile=str(authority.file))).start()
    assert sent(gateway, "someone@x.test")["status"] == "relayed"


def test_dane_is_not_overruled_by_a_policy(own, names, exchanger, policy_site, authority, tmp_path):
    certificate = Authority(tmp_path).issue("other.test")
    host = exchanger(tls=certificate)
    site = policy_site(authority.issue("mta-sts.x.test"), policy("enforce", MX))
    server = with_policy(names, host, site)
    server.add(f"_25._tcp.{MX}", "TLSA", tlsa(certificate.certificate, 3, 1, 1))
    gateway = own(change=validating(server, caFile=str(authority.file))).start()
    assert proof(gateway) == (True, "dane")


def test_a_route_without_tls_asks_for_no_proof(own, names, exchanger, policy_site, authority):
    host = exchanger()
    site = policy_site(authority.issue("mta-sts.x.test"), policy("enforce", MX))
    server = with_policy(names, host, site)
    assert sent(own(change=by_mx(server, tls="none")).start(), "someone@x.test")["status"] == "relayed"
    assert site.asked == []
