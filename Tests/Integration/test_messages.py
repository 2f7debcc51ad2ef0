"""The resources of messages: waiting, asking, batches, lists, cancel and retry."""

import email
import email.policy
import json
import time
from datetime import datetime, timedelta, timezone

import pytest

from peers import eventually
from postern import marker

GOOD = {"from": "app@corp.example", "to": "ops@corp.example", "text": "t"}


def at(seconds: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- Prefer and dry_run -----------------------------------------------------------------------------------------------


def test_prefer_wait_answers_200_with_the_final_state(client):
    answer = client.send(to=["a@corp.example", "refused@corp.example"], headers={"Prefer": "wait=10"})
    assert answer.status == 200
    assert [r["status"] for r in answer.json()["recipients"]] == ["relayed", "failed"]
    assert answer.json()["recipients"][1]["last_reply"]["enhanced"] == "5.1.1"


def test_prefer_wait_answers_202_when_the_time_is_over(client):
    begin = time.monotonic()
    answer = client.send(to="deferred@corp.example", headers={"Prefer": "wait=1"})
    assert answer.status == 202
    assert 0.9 < time.monotonic() - begin < 4
    client.post(f"/v1/messages/{answer.id}/cancel")


def test_dry_run_tells_the_decision_for_each_recipient_and_keeps_nothing(client):
    external = marker("ext")
    answer = client.send(to=["in@corp.example", "out@elsewhere.example"], external_id=external, dry_run=True)
    assert answer.status == 200
    decisions = {d["address"]: d for d in answer.json()["recipients"]}
    assert decisions["in@corp.example"]["accepted"] is True
    assert decisions["in@corp.example"]["route"] == "Next"
    assert decisions["out@elsewhere.example"]["accepted"] is False
    assert decisions["out@elsewhere.example"]["reply"]["enhanced"] == "5.7.54"
    assert client.get(f"/v1/messages?external_id={external}").json()["data"] == []


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_accepted_whole_and_in_order(client, postfix):
    word = marker()
    answer = client.post("/v1/messages/batch", {"messages": [GOOD | {"subject": f"{word} {n}"} for n in range(20)]})
    assert answer.status == 202
    ids = [message["id"] for message in answer.json()["data"]]
    assert [client.message(i)["subject"] for i in ids] == [f"{word} {n}" for n in range(20)]
    assert len(postfix.about(word, count=20)) == 20


def test_a_batch_of_lines_is_a_batch(client):
    word = marker()
    body = "\n".join(json.dumps(GOOD | {"subject": f"{word} {n}"}) for n in range(3)) + "\n"
    answer = client.post("/v1/messages/batch", body=body.encode(), headers={"Content-Type": "application/x-ndjson"})
    assert answer.status == 202
    assert [client.message(m["id"])["subject"] for m in answer.json()["data"]] == [f"{word} {n}" for n in range(3)]


def test_one_bad_item_refuses_the_whole_batch_and_every_fault_is_named(client):
    word = marker()
    items = [GOOD | {"external_id": word} for _ in range(6)]
    items[1] = items[1] | {"to": ["x@"]}
    items[4] = items[4] | {"colour": "red"}
    answer = client.post("/v1/messages/batch", {"messages": items})
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.pointers == ["/messages/1/to/0", "/messages/4/colour"]
    assert client.get(f"/v1/messages?external_id={word}").json()["data"] == []


def test_one_refused_item_refuses_the_whole_batch(client):
    word = marker()
    items = [GOOD | {"external_id": word} for _ in range(4)]
    items[2] = items[2] | {"to": ["a@corp.example", "x@elsewhere.example"]}
    items[3] = items[3] | {"from": "x@elsewhere.example"}
    answer = client.post("/v1/messages/batch", {"messages": items})
    assert (answer.status, answer.code) == (403, "recipient_not_allowed")
    assert answer.pointers == ["/messages/2/to/1", "/messages/3/from"]
    assert answer.json()["errors"][0]["smtp"]["enhanced"] == "5.7.54"
    assert client.get(f"/v1/messages?external_id={word}").json()["data"] == []


def test_a_partial_batch_takes_each_item_for_itself(client):
    items = [GOOD, GOOD | {"to": "x@elsewhere.example"}, GOOD | {"colour": 1}, GOOD]
    answer = client.post("/v1/messages/batch?mode=partial", {"messages": items})
    assert answer.status == 202
    data = answer.json()["data"]
    assert [item.get("code") for item in data] == [None, "recipient_not_allowed", "validation_failed", None]
    assert data[2]["errors"][0]["pointer"] in ("/colour", "/messages/2/colour")
    assert all(client.message(data[n]["id"])["id"] == data[n]["id"] for n in (0, 3))


def test_a_batch_holds_one_to_five_hundred(client):
    for count, status in [(0, 422), (500, 202), (501, 422)]:
        answer = client.post("/v1/messages/batch", {"messages": [GOOD] * count})
        assert answer.status == status, count
        if status == 422:
            assert answer.pointers == ["/messages"]
        else:
            assert len({message["id"] for message in answer.json()["data"]}) == 500


def test_a_batch_replays_under_its_idempotency_key(client):
    key, body = marker("key"), {"messages": [GOOD, GOOD]}
    first = client.post("/v1/messages/batch", body, headers={"Idempotency-Key": key})
    again = client.post("/v1/messages/batch", body, headers={"Idempotency-Key": key})
    assert again.headers["idempotency-replayed"] == "true" and again.json() == first.json()


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(gateway):
    """An application whose messages are known one by one."""
    mine = gateway.ready_client("--sender", "*@corp.example", "--scope", "messages:send", "--scope", "messages:read")
    sent = {
        "disk": mine.send(subject="Disk is full", to="a@corp.example", tags=["disk", "db1"], external_id="job-1"),
        "fan": mine.send(
            subject="Fan at 0 rpm", to="b@corp.example", tags=["fan"], external_id="job-2", from_="fan@corp.example"
        ),
        "lost": mine.send(subject="Lost", to="refused@corp.example", metadata={"host": "db2"}, external_id="job-3"),
    }
    for answer in sent.values():
        mine.until(answer.id)
    mine.sent = {name: answer.json() for name, answer in sent.items()}
    return mine


def names(client, query) -> list[str]:
    answer = client.get(f"/v1/messages?{query}")
    assert answer.status == 200, answer
    by_id = {message["id"]: name for name, message in client.sent.items()}
    return [by_id[message["id"]] for message in answer.json()["data"]]


def test_a_list_is_newest_first(listed):
    assert names(listed, "") == ["lost", "fan", "disk"]


@pytest.mark.parametrize(
    "query, found",
    [
        ("status=failed", ["lost"]),
        ("status=relayed", ["fan", "disk"]),
        ("recipient=a@corp.example", ["disk"]),
        ("recipient=A%40CORP.example", ["disk"]),
        ("sender=fan@corp.example", ["fan"]),
        ("subject=full", ["disk"]),
        ("subject=100%25", []),
        ("tag=disk", ["disk"]),
        ("tag=dis", []),
        ("external_id=job-2", ["fan"]),
        ("route=Next", ["lost", "fan", "disk"]),
        ("route=Other", []),
        ("q=rpm", ["fan"]),
        ("q=job-3", ["lost"]),
        ("status=relayed&recipient=b@corp.example", ["fan"]),
        ("status=relayed&recipient=refused@corp.example", []),
        ("created_after=2100-01-01T00:00:00Z", []),
        ("created_before=2100-01-01T00:00:00Z", ["lost", "fan", "disk"]),
    ],
)
def test_each_filter_finds_what_it_names(listed, query, found):
    assert names(listed, query) == found


def test_times_and_message_ids_bound_a_list(listed):
    fan = listed.sent["fan"]
    moment = fan["created_at"].replace("+", "%2B")
    assert names(listed, f"created_after={moment}") in (["lost"], ["lost", "fan"])
    assert names(listed, f"created_before={moment}") in (["disk"], ["fan", "disk"])
    mail_id = fan["message_id"].replace("<", "%3C").replace(">", "%3E")
    assert names(listed, f"message_id={mail_id}") == ["fan"]


def test_an_administrator_sees_all_and_may_ask_by_application(listed, admin):
    name = listed.get("/v1/me").json()["application"]["name"]
    data = admin.get(f"/v1/messages?application={name}").json()["data"]
    assert {message["id"] for message in data} == {message["id"] for message in listed.sent.values()}
    assert len(admin.get("/v1/messages?limit=200").json()["data"]) > 3


def test_a_cursor_walks_through_every_message_once_though_new_ones_come(gateway):
    mine = gateway.ready_client()
    ids = [mine.send().id for _ in range(11)]
    seen, target = [], "/v1/messages?limit=4"
    while True:
        page = mine.get(target).json()
        assert len(page["data"]) <= 4
        seen += [message["id"] for message in page["data"]]
        if page["next_cursor"] is None:
            break
        mine.send()  # must not shift the pages behind
        target = f"/v1/messages?limit=4&cursor={page['next_cursor']}"
    assert seen == ids[::-1]


def test_a_message_shows_what_was_sent(client):
    word = marker("ext")
    send_at = at(-5)
    answer = client.send(
        subject="Größe", tags=["a", "b"], metadata={"k": "v"}, external_id=word, priority="low", send_at=send_at, cc="c@corp.example"
    )  # fmt: skip
    message = client.message(answer.id)
    assert (message["from"], message["subject"], message["external_id"]) == ("app@corp.example", "Größe", word)
    assert (message["tags"], message["metadata"], message["priority"]) == (["a", "b"], {"k": "v"}, "low")
    assert [r["address"] for r in message["recipients"]] == ["ops@corp.example", "c@corp.example"]


# --- events and source ------------------------------------------------------------------------------------------------


def test_events_tell_the_whole_story_in_order(client):
    answer = client.send(to=["a@corp.example", "refused@corp.example"])
    client.until(answer.id)
    events = client.get(f"/v1/messages/{answer.id}/events").json()["data"]
    types = [event["type"].removeprefix("message.") for event in events]
    assert types[0] == "queued" and {"relayed", "failed"} <= set(types)
    assert [event["created_at"] for event in events] == sorted(event["created_at"] for event in events)
    assert len({event["id"] for event in events}) == len(events)
    failed = next(event for event in events if event["type"].endswith("failed"))
    assert failed["recipient"] == "refused@corp.example"


def test_the_source_is_the_mail_that_was_sent(client, postfix):
    word = marker()
    answer = client.send(subject=word, text="Grüße\n")
    source = client.get(f"/v1/messages/{answer.id}/source")
    assert source.status == 200
    mail = email.message_from_bytes(source.body, policy=email.policy.default)
    arrived = postfix.one(word).mail
    for name in ("Subject", "From", "To", "Message-ID", "Date"):
        assert mail[name] == arrived[name]
    assert mail.get_body(("plain",)).get_content().splitlines() == ["Grüße"]
    assert b"\n" not in source.body.replace(b"\r\n", b""), "line ends are CRLF"


# --- cancel, retry, times ---------------------------------------------------------------------------------------------


def test_a_scheduled_message_waits_and_can_be_canceled(client, postfix):
    word = marker()
    answer = client.send(subject=word, send_at=at(3600))
    assert answer.json()["status"] == "scheduled"
    canceled = client.post(f"/v1/messages/{answer.id}/cancel")
    assert (canceled.status, canceled.json()["status"]) == (200, "canceled")
    again = client.post(f"/v1/messages/{answer.id}/cancel")
    assert (again.status, again.code) == (409, "invalid_state")
    assert [m for m in postfix.delivered() if word.encode() in m.octets] == []


def test_a_scheduled_message_leaves_at_its_time(client, postfix):
    word = marker()
    due = at(2)
    answer = client.send(subject=word, send_at=due)
    assert client.message(answer.id)["status"] == "scheduled"
    message = client.until(answer.id, "relayed")
    assert message["recipients"][0]["last_reply"]["at"][:22] >= due[:22]
    postfix.one(word)


def test_what_has_left_cannot_be_canceled_or_retried(client):
    answer = client.send()
    client.until(answer.id, "relayed")
    for verb in ("cancel", "retry"):
        refused = client.post(f"/v1/messages/{answer.id}/{verb}")
        assert (refused.status, refused.code) == (409, "invalid_state"), verb


def test_a_message_expires_when_its_time_is_over(client):
    answer = client.send(to="deferred@corp.example", expires_at=at(2))
    message = client.until(answer.id, "expired", within=10)
    assert message["recipients"][0]["last_reply"]["enhanced"] == "4.2.1", "the last reply is kept"


def test_retry_tries_a_waiting_recipient_at_once(own, sink):
    refusing = {"rcpt": "450 4.2.1 Busy"}
    hop = sink(lambda stage, argument, session: refusing.get(stage))
    gateway = own(hop.port, lambda config: config["delivery"].update(retry=["1h"])).start()
    client = gateway.ready_client()
    answer = client.send()
    client.until(answer.id, "deferred")
    refusing.clear()
    assert client.post(f"/v1/messages/{answer.id}/retry").status == 200
    message = client.until(answer.id, "relayed", within=5)
    assert message["recipients"][0]["attempts"] == 2
    assert len(hop.wait(1)) == 1


# --- the queue --------------------------------------------------------------------------------------------------------


def test_the_queue_counts_what_waits(own, sink):
    hop = sink(lambda stage, argument, session: "450 4.2.1 Busy" if stage == "rcpt" else None)
    gateway = own(hop.port, lambda config: config["delivery"].update(retry=["1h"])).start()
    client = gateway.ready_client()
    empty = client.get("/v1/queue").json()
    assert (empty["depth"], empty["data"]) == (0, [])
    sent = [client.send(to=[f"a{n}@corp.example", "b@x.lab.example"]).id for n in range(3)]
    for identifier in sent:
        client.until(identifier, "deferred")
    queue = client.get("/v1/queue").json()
    assert queue["depth"] == 6
    lines = {(line["route"], line["domain"], line["status"]): line["count"] for line in queue["data"]}
    assert lines == {("Next", "corp.example", "deferred"): 3, ("Next", "x.lab.example", "deferred"): 3}

    listed = gateway.ask("queue", "list")
    assert {row["id"] for row in listed} == set(sent)
    summary = gateway.ask("queue", "summary")
    assert summary["depth"] == 6
    for identifier in sent:
        client.post(f"/v1/messages/{identifier}/cancel")
    eventually(lambda: client.get("/v1/queue").json()["depth"] == 0, within=3)
