"""Mail that finds its own way: exchangers by preference, aliases, families, refusals by DNS, and domains that do not wait
for each other."""

import threading
import time

import pytest

from nameserver import loopback_address
from peers import eventually
from postern import Session


def by_mx(server, **route):
    def change(config):
        route_of_its_own = {"name": "Internet", "addressSpaces": ["*"], "delivery": "mx", "tls": "none"}
        config["sendConnectors"] = [route_of_its_own | {"dns": {"servers": [server.host]}} | route]
        config["acceptedDomains"].append({"domain": "*.test", "type": "externalRelay"})

    return change


def sent(gateway, to, **more):
    return gateway.ready_client().send(to=to, headers={"Prefer": "wait=10"}, **more).json()["recipients"][0]


def test_exchangers_are_tried_in_the_order_of_their_preference(own, names, exchanger):
    best, second = exchanger(), exchanger()
    server = names(
        {
            "x.test": [("MX", (20, "b.x.test")), ("MX", (10, "a.x.test")), ("MX", (5, "dead.x.test"))],
            "a.x.test": [("A", best.address)],
            "b.x.test": [("A", second.address)],
            "dead.x.test": [("A", loopback_address())],
        }
    )
    gateway = own(change=by_mx(server)).start()
    recipient = sent(gateway, "someone@x.test")
    assert recipient["status"] == "relayed"
    assert recipient["last_reply"]["host"] == f"a.x.test [{best.address}]:25"
    assert len(best.taken) == 1 and second.connections == 0


def test_equal_exchangers_share_the_mail(own, names, exchanger):
    hosts = [exchanger(), exchanger()]
    server = names(
        {"x.test": [("MX", (10, f"mx{n}.x.test")) for n in range(2)]}
        | {f"mx{n}.x.test": [("A", host.address)] for n, host in enumerate(hosts)}
    )
    gateway = own(change=by_mx(server, limits={"messagesPerConnection": 1})).start()
    client = gateway.ready_client()
    for _ in range(24):
        client.send(to="someone@x.test")
    eventually(lambda: sum(len(host.taken) for host in hosts) == 24, what="all mail")
    assert all(host.taken for host in hosts), "chance puts all on one side once in eight million runs"


@pytest.mark.parametrize("large", [False, True])
def test_aliases_and_large_answers_lead_to_the_exchanger(own, names, exchanger, large):
    host = exchanger()
    server = names(
        {
            "alias.test": [("CNAME", "x.test")],
            "x.test": [("MX", (10, "mx.x.test"))],
            "mx.x.test": [("CNAME", "real.x.test")],
            "real.x.test": [("A", host.address)],
        }
    )
    if large:
        server.large |= {"alias.test", "mx.x.test"}
    gateway = own(change=by_mx(server)).start()
    assert sent(gateway, "someone@alias.test")["status"] == "relayed"
    assert (server.over_tcp["alias.test"] > 0) == large


def test_a_domain_without_exchangers_is_its_own(own, names, exchanger):
    host = exchanger()
    server = names({"plain.test": [("A", host.address)]})
    gateway = own(change=by_mx(server)).start()
    assert sent(gateway, "someone@plain.test")["status"] == "relayed"


def test_an_exchanger_of_both_families_is_reached_by_the_other_when_one_is_dead(own, names, exchanger):
    host = exchanger()
    server = names({"x.test": [("MX", (1, "mx.x.test"))], "mx.x.test": [("AAAA", "::1"), ("A", host.address)]})
    gateway = own(change=by_mx(server)).start()
    assert sent(gateway, "someone@x.test")["last_reply"]["host"] == f"mx.x.test [{host.address}]:25"
    six = exchanger(address=loopback_address())
    server.add("y.test", "MX", (1, "mx.y.test"))
    server.add("mx.y.test", "A", loopback_address())
    server.add("mx.y.test", "A", six.address)
    assert sent(gateway, "someone@y.test")["status"] == "relayed", "the next address of the same host"


@pytest.mark.parametrize(
    "domain, enhanced, words",
    [
        ("null.test", "5.1.10", "accepts no mail"),
        ("missing.test", "5.1.2", "does not exist"),
        ("bare.test", "5.4.4", "bare.test"),
        ("dangling.test", "5.4.4", "gone.test"),
        ("ours.test", "5.4.6", "come back to this host"),
    ],
)
def test_what_dns_rules_out_fails_at_once_and_says_why(own, names, domain, enhanced, words):
    server = names(
        {
            "null.test": [("MX", (0, "."))],
            "bare.test": [("TXT", "no mail here")],
            "dangling.test": [("MX", (10, "gone.test"))],
            "ours.test": [("MX", (10, "relay.test.example")), ("MX", (20, "backup.test"))],
        }
    )
    gateway = own(change=by_mx(server)).start()
    recipient = sent(gateway, f"someone@{domain}")
    assert recipient["status"] == "failed"
    assert (recipient["last_reply"]["code"], recipient["last_reply"]["enhanced"]) == (0, enhanced)
    assert words in recipient["last_reply"]["text"]


def test_what_dns_does_not_know_now_waits_and_costs_the_name_server_little(own, names, exchanger):
    host = exchanger()
    server = names({"x.test": [("MX", (10, "mx.x.test"))], "mx.x.test": [("A", host.address)]})
    server.failing.add("x.test")
    gateway = own(change=by_mx(server)).start()
    client = gateway.ready_client()
    answers = [client.send(to="someone@x.test") for _ in range(20)]
    message = client.until(answers[-1].id, "deferred")
    assert message["recipients"][0]["last_reply"]["enhanced"] == "4.4.3"
    assert server.count("x.test", "MX") <= 4, "not once for each mail"
    server.failing.clear()
    for answer in answers:
        client.post(f"/v1/messages/{answer.id}/retry")
        client.until(answer.id, "relayed")
    asked = server.count("x.test", "MX")
    assert sent(gateway, "someone@x.test")["status"] == "relayed"
    assert server.count("x.test", "MX") == asked, "the answer holds for its TTL"


def test_one_slow_and_one_dead_domain_delay_no_other(own, names, exchanger):
    slow = exchanger(lambda stage, argument, session: time.sleep(4) if stage == "hello" else None)
    good = exchanger()
    server = names({"good.test": [("MX", (10, "mx.good.test"))], "mx.good.test": [("A", good.address)]})
    server.add("slow.test", "A", slow.address)
    server.add("dead.test", "A", loopback_address())
    server.silent.add("mute.test")
    gateway = own(change=by_mx(server, limits={"connections": 6})).start()
    client = gateway.ready_client()
    for domain in ["slow.test", "dead.test", "mute.test"] * 20:
        client.send(to=f"someone@{domain}")
    for _ in range(5):
        begin = time.monotonic()
        assert client.send(to="someone@good.test", headers={"Prefer": "wait=10"}).json()["status"] == "relayed"
        assert time.monotonic() - begin < 1.5


def test_a_domain_with_much_mail_never_has_more_than_half_of_the_connections(own, names, exchanger):
    under_way, counts, lock = set(), [], threading.Lock()

    def unhurried(stage, argument, session):
        if stage == "mail":
            with lock:
                under_way.add(session)
                counts.append(len(under_way))
        elif stage == "dot":
            time.sleep(0.1)
            with lock:
                under_way.discard(session)

    busy, quick = exchanger(unhurried), exchanger()
    server = names({"busy.test": [("A", busy.address)], "quick.test": [("A", quick.address)]})
    gateway = own(change=by_mx(server, limits={"connections": 8})).start()
    client = gateway.ready_client()
    for _ in range(80):
        client.send(to="someone@busy.test")
    eventually(lambda: len(under_way) >= 3, what="a backlog under way")
    started = len(busy.taken)
    assert sent(gateway, "someone@quick.test")["status"] == "relayed"
    assert len(busy.taken) - started < 40, "the other domain waited for no backlog"
    busy.wait(80, within=15)
    assert 2 < max(counts) <= 4, counts


def test_a_thousand_domains_are_served_over_few_connections_where_they_share_an_exchanger(own, names, exchanger):
    host = exchanger()
    server = names({"mx.host.test": [("A", host.address)]})
    for number in range(1000):
        server.add(f"d{number}.test", "MX", (10, "mx.host.test"))
    gateway = own(change=by_mx(server)).start()
    client = gateway.ready_client()
    for start in range(0, 1000, 500):
        batch = [
            {"from": "a@corp.example", "to": f"someone@d{number}.test", "text": "x"}
            for number in range(start, start + 500)
        ]
        assert client.post("/v1/messages/batch", {"messages": batch}).status == 202
    host.wait(1000, within=20)
    assert len({mail.recipients[0] for mail in host.taken}) == 1000
    assert host.connections < 100, f"{host.connections} connections"


def test_recipients_of_several_domains_go_their_own_ways(own, names, exchanger):
    hosts = {domain: exchanger() for domain in ("x.test", "y.test")}
    server = names({domain: [("A", host.address)] for domain, host in hosts.items()})
    gateway = own(change=by_mx(server)).start()
    people = [f"r{n}@{domain}" for n in range(3) for domain in hosts]
    answer = gateway.ready_client().send(to=people, headers={"Prefer": "wait=10"})
    assert answer.json()["status"] == "relayed"
    for domain, host in hosts.items():
        assert [sorted(mail.recipients) for mail in host.taken] == [[f"r{n}@{domain}" for n in range(3)]]


def test_the_name_servers_of_the_whole_serve_routes_without_their_own(own, names, exchanger):
    host = exchanger()
    server = names({"x.test": [("A", host.address)], "hub.test": [("A", host.address)]})

    def change(config):
        by_mx(server)(config)
        config["dns"] = config["sendConnectors"][0].pop("dns")
        config["sendConnectors"].append(
            {"name": "Hub", "addressSpaces": ["corp.example"], "smartHosts": ["hub.test"], "tls": "none"}
        )

    gateway = own(change=change).start()
    assert sent(gateway, "someone@x.test")["status"] == "relayed"
    assert sent(gateway, "someone@corp.example")["last_reply"]["host"] == f"hub.test [{host.address}]:25"
    assert server.count("hub.test", "MX") == 0, "a smart host is looked up by its addresses only"


@pytest.mark.parametrize(
    "dns, words",
    [
        ({"servers": []}, "at least one name server"),
        ({"servers": ["ns.test"]}, "IP address"),
        ({"servers": ["127.0.0.1"], "validate": True}, "validating"),
    ],
)
def test_name_servers_that_cannot_be_are_refused(own, dns, words):
    def change(config):
        config["dns"] = dns

    ran = own(change=change).run("check")
    assert ran.status == 78 and words in ran.all and "dns" in ran.all


def test_an_exchanger_that_turns_out_to_be_ourselves_ends_the_loop(own, names, low_ports):
    address = loopback_address()
    server = names({"x.test": [("MX", (10, "strange-name.test"))], "strange-name.test": [("A", address)]})

    def change(config):
        by_mx(server)(config)
        config["receiveConnectors"][1]["bindings"].append(f"{address}:25")

    gateway = own(change=change).start()
    recipient = sent(gateway, "someone@x.test")
    assert (recipient["status"], recipient["last_reply"]["enhanced"]) == ("failed", "5.4.6")


def test_the_source_address_and_the_name_in_the_greeting_are_the_routes_own(own, names, exchanger):
    peers = []

    def note(stage, argument, session):
        if stage == "connect":
            peers.append(session.peer.getpeername()[0])

    host = exchanger(note)
    server = names({"x.test": [("A", host.address)]})
    gateway = own(change=by_mx(server, sourceAddress="127.0.0.77", helloName="out.corp.example")).start()
    assert sent(gateway, "someone@x.test")["status"] == "relayed"
    assert peers == ["127.0.0.77"] and host.taken[0].hello == "out.corp.example"


def test_mail_over_smtp_takes_the_same_way(own, names, exchanger):
    host = exchanger()
    server = names({"x.test": [("A", host.address)]})
    gateway = own(change=by_mx(server)).start()
    with Session(gateway.smtp) as peer:
        peer.envelope("printer@corp.example", "someone@x.test")
        assert peer.data(b"Subject: scan\r\n\r\nx\r\n.\r\n").startswith("250")
    assert host.wait(1)[0].recipients == ["someone@x.test"]
