"""openapi.yaml is valid, complete and true; metrics are Prometheus text."""

import jsonschema
import pytest
import yaml
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from document import FILE, load
from peers import eventually, free_port
from postern import marker


def test_the_document_is_valid_openapi():
    validate(load())


def test_every_operation_has_an_id_of_its_own_and_a_default_answer(document):
    ids = [operation["operationId"] for _, _, operation in document.operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in document.operations():
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, f"{method} {path}"


def examples(node, where=""):
    """(place, schema, value) of every example that stands beside a schema."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from examples(item, f"{where}/{number}")
    elif isinstance(node, dict):
        if "schema" in node:
            if "example" in node:
                yield where, node["schema"], node["example"]
            if isinstance(node.get("examples"), dict):
                for name, example in node["examples"].items():
                    yield f"{where}/{name}", node["schema"], example["value"]
        elif isinstance(node.get("examples"), list):
            for value in node["examples"]:
                yield where, {key: value for key, value in node.items() if key != "examples"}, value
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from examples(value, f"{where}/{key}")


@pytest.mark.parametrize(
    "where, schema, value", list(examples(load())), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_example_fits_its_schema(document, where, schema, value):
    document.check(schema, value, where)


def test_requests_are_closed_to_unknown_fields(document):
    schemas = document.content["components"]["schemas"]
    for name in schemas:
        if name.endswith(("Request", "Change")) or name in ("Attachment",):
            assert schemas[name].get("additionalProperties") is False, name
    with pytest.raises(AssertionError):
        document.check({"$ref": "#/components/schemas/MessageRequest"}, {"colour": 1})


def test_the_gateway_serves_this_very_document(client):
    assert client.get("/openapi.yaml").body == FILE.read_bytes()


def test_every_path_of_the_document_is_known_and_allows_the_methods_it_lists(admin, document):
    for path in document.content["paths"]:
        listed = {method.upper() for candidate, method, _ in document.operations() if candidate == path}
        target = path.replace("{id}", "msg_x").replace("{key}", "key_x")
        answer = admin.request("PUT", target)
        assert (answer.status, answer.code) == (405, "method_not_allowed"), target
        allowed = set(answer.headers["allow"].replace(" ", "").split(","))
        assert allowed - {"HEAD", "OPTIONS"} == listed, target
        assert ("GET" in listed) <= ("HEAD" in allowed), target


def test_every_operation_answers_with_success(gateway, admin, client, document):
    """One walk through the whole document; each answer on the way is held against it."""
    document.succeeded.clear()
    message = {"from": "a@corp.example", "to": "b@corp.example", "text": "x"}
    sent = client.post("/v1/messages", message).id
    client.post("/v1/messages/batch", {"messages": [message]})
    client.get("/v1/messages")
    client.until(sent)
    client.get(f"/v1/messages/{sent}/events")
    client.get(f"/v1/messages/{sent}/source")
    waiting = client.send(to="deferred@corp.example").id
    client.until(waiting, "deferred")
    client.post(f"/v1/messages/{waiting}/retry")
    client.until(waiting, "deferred")
    client.post(f"/v1/messages/{waiting}/cancel")
    client.get("/v1/queue")
    client.get("/v1/stats")
    client.get("/v1/events")
    client.get("/v1/me")
    later = client.send(send_at="2099-01-01T00:00:00Z").id
    client.post(f"/v1/messages/{later}/hold")
    client.post(f"/v1/messages/{later}/release")
    for verb in ("retry", "hold", "release", "cancel", "reroute"):
        order = {"filter": {"message": later}, "dry_run": True}
        admin.post(f"/v1/queue/{verb}", order | ({"to_route": "Next"} if verb == "reroute" else {}))
    client.post(f"/v1/messages/{later}/cancel")
    hook = admin.post("/v1/webhooks", {"url": "http://127.0.0.1:1/", "events": ["alert.opened"]}).id
    admin.get("/v1/webhooks")
    admin.get(f"/v1/webhooks/{hook}")
    admin.post(f"/v1/webhooks/{hook}/rotate")
    admin.post(f"/v1/webhooks/{hook}/redeliver", {"failed": True})
    admin.request("PATCH", f"/v1/webhooks/{hook}", json_body={"enabled": False})
    admin.request("DELETE", f"/v1/webhooks/{hook}")
    left = admin.post("/v1/suppressions", {"address": f"{marker()}@corp.example"}).id
    admin.get("/v1/suppressions")
    admin.get(f"/v1/suppressions/{left}")
    admin.request("PATCH", f"/v1/suppressions/{left}", json_body={"for": "1d"})
    admin.request("DELETE", f"/v1/suppressions/{left}")
    admin.get("/v1/routes")
    admin.get("/v1/routes/Next")
    admin.post("/v1/routes/Next/suspend", {"for": "1m"})
    admin.post("/v1/routes/Next/resume")
    client.post("/v1/explain", {"from": "a@corp.example", "to": "b@corp.example"})

    name = marker("walk")
    application = admin.post("/v1/applications", {"name": name}).id
    admin.get("/v1/applications")
    admin.get(f"/v1/applications/{application}")
    admin.request("PATCH", f"/v1/applications/{name}", json_body={"relay": "external"})
    key = admin.post(f"/v1/applications/{name}/keys").id
    admin.get(f"/v1/applications/{name}/keys")
    admin.get(f"/v1/applications/{name}/keys/{key}")
    admin.post(f"/v1/applications/{name}/keys/{key}/rotate")
    admin.request("DELETE", f"/v1/applications/{name}/keys/{key}")
    credential = admin.post("/v1/credentials", {"application": name, "username": name}).id
    admin.get("/v1/credentials")
    admin.get(f"/v1/credentials/{credential}")
    admin.request("DELETE", f"/v1/credentials/{credential}")
    admin.request("DELETE", f"/v1/applications/{name}")
    for target in ("/v1/sources", "/v1/connectors", "/v1/domains", "/v1/audit", "/healthz", "/readyz", "/metrics", "/openapi.yaml"):
        admin.get(target)
    assert {operation["operationId"] for _, _, operation in document.operations()} - document.succeeded == set()


def figures(client) -> dict:
    text = client.get("/metrics").body.decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_prometheus_text_and_count_what_happens(client):
    before = figures(client)
    assert before and all(name.startswith(("postern_", "process_")) for name, _ in before)
    for _ in range(3):
        client.until(client.send().id)
    after = figures(client)
    grown = {name for (name, labels), value in after.items() if value >= before.get((name, labels), 0) + 3}
    assert any("message" in name for name in grown), "messages taken are counted"
    assert any("attempt" in name or "deliver" in name or "relayed" in name for name in grown), "deliveries are counted"


def test_the_queue_is_a_gauge_by_route_status_and_lane_whoever_the_recipients_are(own):
    client = own(free_port()).start().ready_client("--relay", "external")
    for domain in ("one.example", "two.example", "three.example"):
        client.send(to=[f"a@{domain}"], priority="high")
    client.send(to=["a@one.example"], send_at="2099-01-01T00:00:00Z")

    def waiting():
        return {labels: value for (name, labels), value in figures(client).items() if name == "postern_queue_recipients"}

    settled = lambda: sum(value for labels, value in waiting().items() if dict(labels)["priority"] == "high") == 3
    eventually(settled)
    assert all({key for key, _ in labels} == {"route", "status", "priority"} for labels in waiting())
    later = (("priority", "normal"), ("route", "Next"), ("status", "scheduled"))
    assert waiting()[later] == 1


def test_metrics_may_be_bound_to_ranges(own, postfix):
    def narrow(config):
        config["receiveConnectors"][0]["metricsRanges"] = ["127.0.0.5"]

    gateway = own(postfix.port, narrow).start()
    assert gateway.client(source="127.0.0.5").get("/metrics").status == 200
    assert gateway.client(source="127.0.0.6").get("/metrics").status in (403, 404)


def test_the_served_document_is_yaml(client):
    answer = client.get("/openapi.yaml")
    assert yaml.safe_load(answer.body)["openapi"].startswith("3.1")
    assert "yaml" in answer.headers["content-type"]


def test_the_judge_itself_notices(document):
    """A check of the tests' own judge: what is not promised does not pass."""
    with pytest.raises(AssertionError):
        document.check({"$ref": "#/components/schemas/Health"}, {"status": "ok", "more": 1})
    with pytest.raises((AssertionError, jsonschema.ValidationError)):
        document.check({"$ref": "#/components/schemas/Status"}, "flying")
