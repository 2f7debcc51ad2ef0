"""What operators do with the queue and with routes, by HTTP and by command, and what is written about it."""

import json
import signal

import pytest

from peers import eventually, free_port
from postern import EXIT_DATA, EXIT_USAGE, marker


class Valve:
    """A next hop that refuses for now until it is opened."""

    def __init__(self, sink):
        self.open = False
        self.hop = sink(lambda stage, argument, session: self.word(stage))

    def word(self, stage):
        return None if self.open or stage != "rcpt" else "450 4.2.1 Busy"


def slow_retry(config):
    config["delivery"]["retry"] = ["1h"]


@pytest.fixture
def valve(sink):
    return Valve(sink)


@pytest.fixture
def stuck(own, valve):
    """A gateway whose mail is deferred for an hour."""
    gateway = own(valve.hop.port, slow_retry).start()
    gateway.worker = gateway.ready_client("--sender", "*@corp.example")
    return gateway


def deferred(gateway, count=1, **fields) -> list[str]:
    sent = [gateway.worker.send(**fields).id for _ in range(count)]
    for identifier in sent:
        gateway.worker.until(identifier, "deferred")
    return sent


def order(gateway, verb, *, dry_run=False, to_route=None, **filter) -> int:
    body = {"filter": filter, "dry_run": dry_run} | ({"to_route": to_route} if to_route else {})
    answer = gateway.admin.post(f"/v1/queue/{verb}", body)
    assert answer.status == 200, answer
    return answer.json()["count"]


def log(gateway, *types) -> list[dict]:
    query = "&".join(f"type={type}" for type in types)
    return gateway.admin.get(f"/v1/events?limit=200&{query}").json()["data"]


# --- by id ------------------------------------------------------------------------------------------------------------


def test_hold_and_release_by_id_tell_the_truth_at_once(stuck, valve):
    identifier = deferred(stuck)[0]
    held = stuck.worker.post(f"/v1/messages/{identifier}/hold")
    assert (held.status, held.json()["status"]) == (200, "held")
    again = stuck.worker.post(f"/v1/messages/{identifier}/hold")
    assert (again.status, again.code) == (409, "invalid_state")
    valve.open = True
    released = stuck.worker.post(f"/v1/messages/{identifier}/release")
    assert released.status == 200 and released.json()["status"] != "held"
    stuck.worker.until(identifier, "relayed", within=5)
    assert stuck.worker.events(identifier) == ["queued", "deferred", "held", "released", "relayed"]
    late = stuck.worker.post(f"/v1/messages/{identifier}/release")
    assert (late.status, late.code) == (409, "invalid_state")


def test_an_application_orders_nothing_about_the_mail_of_another(stuck):
    identifier = deferred(stuck)[0]
    other = stuck.ready_client()
    for verb in ("hold", "release", "retry", "cancel"):
        assert other.post(f"/v1/messages/{identifier}/{verb}").status == 404
    assert other.post("/v1/queue/cancel", {"filter": {}}).code == "insufficient_scope"
    assert stuck.worker.message(identifier)["status"] == "deferred"


# --- by filter --------------------------------------------------------------------------------------------------------


def test_a_filter_narrows_and_a_dry_run_changes_nothing(stuck):
    mine = deferred(stuck, 2, to=["a@corp.example", "b@x.lab.example"])
    named = deferred(stuck, 1, to="a@corp.example", from_="other@corp.example")
    assert order(stuck, "hold", dry_run=True) == 5
    assert order(stuck, "hold", recipient="@x.lab.example", dry_run=True) == 2
    assert order(stuck, "hold", recipient="A@corp.example", dry_run=True) == 3
    assert order(stuck, "hold", sender="other@corp.example", dry_run=True) == 1
    assert order(stuck, "hold", route="Next", status="deferred", dry_run=True) == 5
    assert order(stuck, "hold", route="Elsewhere", dry_run=True) == 0
    assert order(stuck, "hold", status="queued", dry_run=True) == 0
    app = stuck.worker.get("/v1/me").json()["application"]
    for name in app.values():
        assert order(stuck, "hold", application=name, dry_run=True) == 5
    assert log(stuck, "queue.held") == []
    assert {stuck.worker.message(m)["status"] for m in mine + named} == {"deferred"}


def test_held_by_filter_mail_waits_and_released_it_goes_at_once(stuck, valve):
    sent = deferred(stuck, 3)
    assert order(stuck, "hold", route="Next") == 3
    assert {stuck.worker.message(m)["status"] for m in sent} == {"held"}
    valve.open = True
    assert order(stuck, "retry") == 0, "what is held is not tried"
    assert order(stuck, "release") == 3
    for identifier in sent:
        stuck.worker.until(identifier, "relayed", within=5)
    assert len(valve.hop.wait(3)) == 3


def test_retry_sends_at_once_and_canceled_mail_never_leaves(stuck, valve):
    first, second = deferred(stuck, 2)
    assert order(stuck, "cancel", message=second) == 1
    assert stuck.worker.message(second)["status"] == "canceled"
    valve.open = True
    assert order(stuck, "retry") == 1
    stuck.worker.until(first, "relayed", within=5)
    assert order(stuck, "retry", status="failed") == 0
    assert len(valve.hop.taken) == 1


def test_what_failed_is_sent_again_only_when_the_filter_says_so(own, sink):
    refusing = {"rcpt": "550 5.1.1 Nobody"}
    hop = sink(lambda stage, argument, session: refusing.get(stage))
    gateway = own(hop.port).start()
    client = gateway.ready_client()
    identifier = client.send().id
    client.until(identifier, "failed")
    refusing.clear()
    assert order(gateway, "retry") == 0
    assert order(gateway, "retry", status="failed") == 1
    client.until(identifier, "relayed", within=5)


def test_an_order_is_an_event_that_says_who_what_and_how_many(stuck):
    deferred(stuck, 2)
    order(stuck, "hold", route="Next", recipient="@corp.example")
    event = log(stuck, "queue.held")[0]
    key = stuck.admin.get("/v1/me").json()["key"]
    assert event["message"] is None
    assert event["detail"] == {"by": key, "filter": {"route": "Next", "recipient": "@corp.example"}, "count": 2}
    ran = stuck.ask("queue", "release", "--route", "Next")
    assert ran == {"count": 2}
    assert log(stuck, "queue.released")[0]["detail"]["by"].startswith("uid ")
    assert stuck.worker.get("/v1/events?type=queue.held").json()["data"] == []


def test_a_bad_order_names_what_is_wrong(stuck):
    cases = [
        ("hold", {}, "/filter"),
        ("hold", {"filter": {"colour": "red"}}, "/filter/colour"),
        ("hold", {"filter": {"status": "flying"}}, "/filter/status"),
        ("hold", {"filter": {"recipient": "corp.example"}}, "/filter/recipient"),
        ("hold", {"filter": {"application": "nobody"}}, "/filter/application"),
        ("hold", {"filter": {"message": "msg_06kyq2f1m4r8w5v0c9t3zn7xhd"}}, "/filter/message"),
        ("reroute", {"filter": {}}, "/to_route"),
        ("reroute", {"filter": {}, "to_route": "Nowhere"}, "/to_route"),
    ]
    for verb, body, pointer in cases:
        answer = stuck.admin.post(f"/v1/queue/{verb}", body)
        assert (answer.status, answer.code, answer.pointers) == (422, "validation_failed", [pointer]), body


def test_commands_order_by_id_and_by_filter(stuck, valve):
    first, second, third = deferred(stuck, 3, to="a@corp.example")
    assert stuck.run("queue", "hold").status == EXIT_USAGE
    assert stuck.run("queue", "cancel").status == EXIT_USAGE
    assert stuck.run("queue", "hold", first, "--to", "a@corp.example").status == EXIT_USAGE
    assert stuck.ask("queue", "hold", first, second) == {"count": 2}
    assert stuck.ask("queue", "cancel", "--to", "a@corp.example", "--status", "deferred", "--dry-run") == {"count": 1}
    assert stuck.ask("queue", "cancel", "--status", "deferred") == {"count": 1}
    assert stuck.run("queue", "release", third).status == EXIT_DATA
    valve.open = True
    assert "2 recipients" in stuck.run("queue", "release").out
    for identifier in (first, second):
        stuck.worker.until(identifier, "relayed", within=5)


def test_commands_order_while_no_server_runs(stuck, valve):
    first, second = deferred(stuck, 2)
    stuck.stop()
    assert stuck.ask("queue", "hold", first) == {"count": 1}
    assert stuck.ask("queue", "retry", "--route", "Next") == {"count": 1}
    valve.open = True
    stuck.start()
    stuck.worker.until(second, "relayed", within=5)
    assert stuck.worker.message(first)["status"] == "held"


def test_thousands_are_ordered_in_steps_while_new_mail_is_taken(stuck, valve):
    many = {"messages": [{"from": "app@corp.example", "to": "a@corp.example", "text": "t"}] * 500}
    stuck.admin.post("/v1/routes/Next/suspend")
    for _ in range(2):
        assert stuck.worker.post("/v1/messages/batch", many).status == 202
    assert order(stuck, "hold") == 1000
    assert stuck.admin.get("/v1/stats").json()["by_status"][0] | {"oldest_at": 0, "age_seconds": 0} == {
        "name": "held", "count": 1000, "oldest_at": 0, "age_seconds": 0,
    }
    assert order(stuck, "release", recipient="a@corp.example") == 1000
    valve.open = True
    stuck.admin.post("/v1/routes/Next/resume")
    eventually(lambda: stuck.admin.get("/v1/queue").json()["depth"] == 0, within=15, what="an empty queue")
    assert len(valve.hop.taken) == 1000, "each once"


# --- routes -----------------------------------------------------------------------------------------------------------


def two_routes(second):
    def change(config):
        slow_retry(config)
        config["sendConnectors"].append(
            {"name": "Other way", "addressSpaces": ["elsewhere.example"], "smartHosts": [f"127.0.0.1:{second}"]}
        )

    return change


def test_rerouted_mail_leaves_by_the_other_route_at_once(own, sink, valve):
    good = sink()
    gateway = own(valve.hop.port, two_routes(good.port)).start()
    gateway.worker = client = gateway.ready_client()
    first, second = deferred(gateway, 2)
    assert order(gateway, "reroute", to_route="Other way", message=first) == 1
    message = client.until(first, "relayed", within=5)
    assert message["recipients"][0]["route"] == "Other way"
    assert gateway.ask("queue", "reroute", "--route", "Next", "--to-route", "Other way") == {"count": 1}
    client.until(second, "relayed", within=5)
    event = next(e for e in client.get(f"/v1/messages/{first}/events").json()["data"] if e["type"] == "rerouted")
    assert (event["detail"]["from"], event["detail"]["to"]) == ("Next", "Other way")
    assert valve.hop.taken == [] and len(good.taken) == 2


def test_a_reload_leaves_rerouted_mail_where_the_operator_sent_it(own, sink, valve):
    dead = free_port()
    gateway = own(valve.hop.port, two_routes(dead)).start()
    gateway.worker = client = gateway.ready_client()
    identifier = deferred(gateway)[0]
    order(gateway, "reroute", to_route="Other way")
    eventually(lambda: client.message(identifier)["recipients"][0]["attempts"] == 2, what="an attempt by the other route")
    gateway.config["sendConnectors"].append({"name": "Third", "addressSpaces": ["third.example"], "delivery": "capture"})
    gateway.write()
    gateway.signal(signal.SIGHUP)
    eventually(lambda: len(gateway.admin.get("/v1/routes").json()["data"]) == 3, what="the reload")
    assert client.message(identifier)["recipients"][0]["route"] == "Other way"


def test_a_suspended_route_carries_nothing_and_resumes_at_once(stuck, valve):
    valve.open = True
    suspended = stuck.admin.post("/v1/routes/Next/suspend", {"reason": "maintenance"})
    assert (suspended.status, suspended.json()["state"]) == (200, "suspended")
    identifier = stuck.worker.send().id
    assert stuck.ask("queue", "retry") == {"count": 1}
    route = stuck.admin.get("/v1/routes/Next").json()
    assert (route["queue_depth"], route["reason"], route["until"]) == (1, "maintenance", None)
    assert stuck.worker.message(identifier)["status"] == "queued" and valve.hop.taken == []
    stuck.ask("route", "resume", "Next")
    stuck.worker.until(identifier, "relayed", within=5)
    events = log(stuck, "route.suspended", "route.resumed")
    assert [e["type"] for e in events] == ["route.suspended", "route.resumed"]
    assert events[0]["detail"] == {"route": "Next", "reason": "maintenance", "by": stuck.admin.get("/v1/me").json()["key"]}
    assert events[1]["detail"]["by"].startswith("uid ")


def test_a_suspension_outlives_a_restart_and_ends_at_its_time(stuck, valve):
    valve.open = True
    suspended = stuck.ask("route", "suspend", "Next", "--for", "3s", "--reason", "short")
    assert suspended["state"] == "suspended" and suspended["until"]
    stuck.stop()
    assert stuck.ask("route", "list")[0]["state"] == "suspended", "told without a server, too"
    stuck.start()
    identifier = stuck.worker.send().id
    assert stuck.ask("route", "list")[0] | {"reason": "short", "state": "suspended"} == stuck.ask("route", "list")[0]
    assert stuck.worker.message(identifier)["status"] == "queued"
    stuck.worker.until(identifier, "relayed", within=8)
    assert stuck.ask("route", "list")[0]["state"] == "active"
    assert log(stuck, "route.resumed")[0]["detail"] == {"route": "Next", "by": "expiry"}


def test_a_suspension_that_ended_while_no_server_ran_is_over(stuck, valve):
    valve.open = True
    stuck.ask("route", "suspend", "Next", "--for", "500ms")
    identifier = stuck.worker.send().id
    stuck.stop()
    stuck.start()
    stuck.worker.until(identifier, "relayed", within=5)


def test_bad_suspensions_are_refused(stuck):
    for body, pointer in [
        ({"for": "soon"}, "/for"),
        ({"until": "2001-01-01T00:00:00Z"}, "/until"),
        ({"for": "1h", "until": "2099-01-01T00:00:00Z"}, "/for"),
        ({"why": "x"}, "/why"),
    ]:
        answer = stuck.admin.post("/v1/routes/Next/suspend", body)
        assert (answer.status, answer.pointers) == (422, [pointer]), body
    assert stuck.admin.post("/v1/routes/Nowhere/suspend").status == 404
    assert stuck.run("route", "suspend", "Nowhere").status == EXIT_DATA
    assert stuck.admin.get("/v1/routes/Next").json()["state"] == "active"


def test_the_list_of_routes_shows_dead_hosts_and_why_a_route_rests(own):
    dead = free_port()
    gateway = own(dead, slow_retry).start()
    gateway.worker = gateway.ready_client()
    deferred(gateway)
    route = gateway.admin.get("/v1/routes").json()["data"][0]
    assert (route["name"], route["state"], route["queue_depth"]) == ("Next", "resting", 1)
    assert route["reason"] and route["until"] and route["last_error"]
    assert route["hosts"][0] | {"retry_at": 0} == {
        "host": f"127.0.0.1:{dead}", "state": "dead", "reason": route["hosts"][0]["reason"], "retry_at": 0,
    }
    out = gateway.run("route", "list").out
    assert "Next" in out and "resting" in out and "(dead)" in out


def test_stats_sum_up_by_every_dimension(stuck):
    deferred(stuck, 2, to=["a@corp.example", "b@x.lab.example"])
    deferred(stuck, 1, priority="high")
    stats = stuck.worker.get("/v1/stats").json()
    sums = {name: {line["name"]: line["count"] for line in stats[name]} for name in stats if name.startswith("by_")}
    assert sums == {
        "by_route": {"Next": 5}, "by_domain": {"corp.example": 3, "x.lab.example": 2},
        "by_lane": {"normal": 4, "high": 1}, "by_status": {"deferred": 5},
    }
    assert stats["depth"] == 5 and 0 <= stats["age_seconds"] < 60


# --- a corrected configuration ----------------------------------------------------------------------------------------


def reload(gateway):
    gateway.write()
    gateway.signal(signal.SIGHUP)


def test_mail_behind_a_wrong_smart_host_leaves_when_the_file_is_mended(own, sink):
    good = sink()
    gateway = own(free_port(), slow_retry).start()
    gateway.worker = gateway.ready_client()
    sent = deferred(gateway) + [gateway.worker.send().id for _ in range(2)]
    gateway.config["sendConnectors"][0]["smartHosts"] = [good.host]
    reload(gateway)
    for identifier in sent:
        gateway.worker.until(identifier, "relayed", within=6)
    assert len(good.taken) == 3


def test_mail_of_a_route_that_is_gone_takes_the_one_that_is_there(own, sink, valve):
    good = sink()
    gateway = own(valve.hop.port, slow_retry).start()
    gateway.worker = gateway.ready_client()
    first, second = deferred(gateway, 2)
    gateway.worker.post(f"/v1/messages/{second}/hold")
    gateway.config["sendConnectors"] = [{"name": "New", "addressSpaces": ["*"], "smartHosts": [good.host]}]
    reload(gateway)
    assert gateway.worker.until(first, "relayed", within=6)["recipients"][0]["route"] == "New"
    held = eventually(lambda: gateway.worker.message(second)["recipients"][0]["route"] == "New", what="the new route")
    assert held and gateway.worker.message(second)["status"] == "held"
    gateway.worker.post(f"/v1/messages/{second}/release")
    gateway.worker.until(second, "relayed", within=5)
    assert log(gateway, "queue.rerouted")[-1]["detail"] == {"by": "reload", "count": 2}


def test_mail_takes_a_better_route_for_its_domain(own, sink, valve):
    good = sink()
    gateway = own(valve.hop.port, slow_retry).start()
    gateway.worker = gateway.ready_client()
    identifier = deferred(gateway, to=["a@corp.example", "b@x.lab.example"])[0]
    gateway.config["sendConnectors"].append({"name": "Lab", "addressSpaces": ["*.lab.example"], "smartHosts": [good.host]})
    reload(gateway)
    assert len(good.wait(1, within=6)) == 1
    recipients = gateway.worker.message(identifier)["recipients"]
    assert [r["route"] for r in recipients] == ["Next", "Lab"]
    assert recipients[0]["status"] == "deferred"


def test_mail_of_a_route_removed_while_no_server_ran_finds_another(own, sink, valve):
    good = sink()
    gateway = own(valve.hop.port, slow_retry).start()
    gateway.worker = gateway.ready_client()
    identifier = deferred(gateway)[0]
    gateway.stop()
    gateway.config["sendConnectors"] = [{"name": "New", "addressSpaces": ["*"], "smartHosts": [good.host]}]
    gateway.write()
    gateway.start()
    gateway.worker.until(identifier, "relayed", within=6)


# --- the log of events ------------------------------------------------------------------------------------------------


def test_the_log_is_read_with_a_cursor_and_filtered(stuck):
    sent = deferred(stuck, 3)
    word = marker()
    assert stuck.worker.get(f"/v1/events?{word}=1").status == 422
    seen, cursor = [], ""
    while True:
        page = stuck.worker.get(f"/v1/events?limit=2{cursor}").json()
        seen += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [e["type"] for e in seen].count("queued") == 3 and [e["type"] for e in seen].count("deferred") == 3
    assert [e["id"] for e in seen] == sorted({e["id"] for e in seen})
    last = seen[-1]["id"]
    assert stuck.worker.get(f"/v1/events?cursor={last}").json() == {"data": [], "next_cursor": None}
    stuck.worker.post(f"/v1/messages/{sent[0]}/cancel")
    assert [e["type"] for e in stuck.worker.get(f"/v1/events?cursor={last}").json()["data"]] == ["canceled"]
    of_one = stuck.worker.get(f"/v1/events?message={sent[0]}&type=deferred&type=message.canceled").json()["data"]
    assert [e["type"] for e in of_one] == ["deferred", "canceled"]
    assert stuck.worker.get("/v1/events?cursor=yesterday").status == 422


def test_an_application_sees_its_own_events_alone(stuck):
    mine = deferred(stuck)[0]
    other = stuck.ready_client()
    assert other.get("/v1/events").json()["data"] == []
    assert other.get(f"/v1/events?message={mine}").json()["data"] == []
    assert other.get(f"/v1/events?application={stuck.worker.get('/v1/me').json()['application']['id']}").json()["data"] == []
    own = other.send().id
    assert {e["message"] for e in other.get("/v1/events").json()["data"]} == {own}
    assert {mine, own} <= {e["message"] for e in stuck.admin.get("/v1/events").json()["data"]}
    assert json.dumps(stuck.admin.get("/v1/events").json()).find("pst") < 0, "no secret in the log"


def test_what_administrators_do_is_in_the_log_with_their_name(stuck):
    name = marker("app")
    key = stuck.admin.get("/v1/me").json()["key"]
    made = stuck.admin.post("/v1/applications", {"name": name}).id
    issued = stuck.admin.post(f"/v1/applications/{name}/keys").json()["id"]
    stuck.admin.post(f"/v1/applications/{name}/keys/{issued}/rotate")
    stuck.admin.request("DELETE", f"/v1/applications/{name}/keys/{issued}")
    stuck.ask("credential", "add", "--app", name, "--username", name)
    stuck.admin.request("DELETE", f"/v1/applications/{made}")
    events = [e for e in log(stuck, "application.created", "key.created", "key.rotated", "key.revoked",
                             "credential.created", "application.removed")
              if name in json.dumps(e["detail"]) or issued in json.dumps(e["detail"])]
    assert [e["type"] for e in events] == [
        "application.created", "key.created", "key.rotated", "key.revoked", "credential.created", "application.removed",
    ]
    assert {e["detail"]["by"] for e in events if e["type"] != "credential.created"} == {key}
    assert all(e["message"] is None for e in events)
