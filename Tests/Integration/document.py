"""openapi.yaml as a judge: it holds every answer that the tests see against the document."""

import copy
import re
from pathlib import Path

import jsonschema
import yaml

FILE = Path(__file__).resolve().parents[2] / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMAS = "#/components/schemas/"


def load() -> dict:
    return yaml.safe_load(FILE.read_text())


class Document:
    def __init__(self):
        self.content = load()
        self._strict = _closed(self.content)
        self._checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        #: operationIds that were answered with 2xx, through the whole run
        self.succeeded: set[str] = set()
        self.paths = [
            (re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path) for path in self.content["paths"]
        ]

    def operations(self):
        """(path, method, operation) of the whole document."""
        for path, item in self.content["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def template(self, target: str) -> str | None:
        path = target.partition("?")[0]
        # A literal path wins over one with a parameter: /batch is no {id}.
        found = [template for pattern, template in self.paths if pattern.match(path)]
        return min(found, key=lambda template: template.count("{"), default=None)

    def judge(self, method: str, target: str, answer):
        """Fails when an answer is not one that the document promises."""
        what = f"{method} {target} -> {answer.status}"
        template = self.template(target)
        described = self.content["paths"].get(template, {}).get("get" if method == "HEAD" else method.lower())
        if described is None:  # an unknown path or method: still a problem, and nothing else
            self._problem(what, answer)
            return
        response = described["responses"].get(str(answer.status))
        if response is None:
            self._problem(what, answer)
            return
        assert answer.status < 400, f"{what}: the document gives errors by `default`"
        self.succeeded.add(described["operationId"])
        response = self._resolve(response)
        self._headers(what, response, answer)
        if method == "HEAD":
            return
        if "content" not in response:
            assert answer.body == b"", f"{what}: no body is promised"
            return
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        assert kind in response["content"], f"{what}: {kind!r} is not in the document"
        if kind == "application/json":
            self.check(response["content"][kind]["schema"], answer.json(), what)

    def check(self, schema: dict, value, what="value", *, open_to_more=False):
        """Answers are checked as if every object were closed, so that no field stays undocumented."""
        root = self.content if open_to_more else self._strict
        if not open_to_more:
            schema = _closed(schema)
        whole = {"components": root["components"], **schema}
        validator = jsonschema.Draft202012Validator(whole, format_checker=self._checker)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"{what}: {error.json_path}: {error.message}"

    def _problem(self, what, answer):
        assert answer.status >= 400, f"{what} is not in the document"
        kind = answer.headers.get("content-type", "")
        assert kind.partition(";")[0] == "application/problem+json", f"{what}: {kind!r}"
        self._headers(what, self.content["components"]["responses"]["Problem"], answer)
        if answer.body or answer.method != "HEAD":
            problem = answer.json()
            self.check({"$ref": _SCHEMAS + "Problem"}, problem, what)
            assert problem["status"] == answer.status, what
        if answer.status == 401:
            challenges = answer.headers.get("www-authenticate", "")
            assert "Bearer" in challenges and "Basic" in challenges, f"{what}: {challenges!r}"
        if answer.status == 405:
            assert answer.headers.get("allow"), what
        if answer.status in (429, 503):
            assert answer.headers.get("retry-after"), what

    def _headers(self, what, response, answer):
        for name, header in response.get("headers", {}).items():
            header = self._resolve(header)
            value = answer.headers.get(name.lower())
            assert value is not None or not header.get("required"), f"{what}: no {name}"
            if value is not None:
                jsonschema.validate(value, header["schema"])

    def _resolve(self, node):
        while "$ref" in node:
            found = self.content
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node


def _closed(node):
    """The same with `additionalProperties: false` wherever an object lists its properties and says nothing of others."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return copy.copy(node)
    closed = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node and "additionalProperties" not in node:
        closed["additionalProperties"] = False
    return closed
