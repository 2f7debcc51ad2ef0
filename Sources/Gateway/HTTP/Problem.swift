import Mail
import Policy
import Wire

/// An error answer: RFC 9457 with the contract's codes. Thrown by whatever handles a request.
struct Problem: Error, Sendable {
    /// One thing that is wrong, and where: an RFC 6901 pointer into the request.
    struct Item: Sendable {
        var pointer: String
        var code: String
        var detail: String
        var reply: Reply?

        init(_ pointer: String, _ code: String, _ detail: String, reply: Reply? = nil) {
            self.pointer = pointer
            self.code = code
            self.detail = detail
            self.reply = reply
        }
    }

    let status: Int
    let code: String
    let detail: String
    var items: [Item] = []
    var fields: [(name: String, value: String)] = []
    /// The rest of the request cannot be told from the next one: the connection must end.
    var closesConnection = false

    init(_ status: Int, _ code: String, _ detail: String, items: [Item] = []) {
        self.status = status
        self.code = code
        self.detail = detail
        self.items = items
    }

    func with(_ name: String, _ value: String) -> Problem {
        var copy = self
        copy.fields.append((name, value))
        return copy
    }

    var closing: Problem {
        var copy = self
        copy.closesConnection = true
        return copy
    }

    /// Whether the same request may succeed later.
    var isRetryable: Bool {
        [408, 429, 502, 503, 504].contains(status) || code == "idempotency_key_in_use"
    }
}

extension Problem {
    static func malformed(_ detail: String) -> Problem {
        Problem(400, "malformed_request", detail)
    }

    static func invalid(_ items: [Item]) -> Problem {
        let places = items.count == 1 ? "one place" : "\(items.count) places"
        return Problem(
            422,
            "validation_failed",
            "the request is well formed but wrong in \(places)",
            items: items
        )
    }

    static func invalid(_ pointer: String, _ detail: String, code: String = "invalid") -> Problem {
        invalid([Item(pointer, code, detail)])
    }

    static let notFound = Problem(
        404,
        "not_found",
        "there is nothing of that name or id, or it is not yours to see"
    )

    static func tooLarge(limit: Int) -> Problem {
        Problem(
            413,
            "payload_too_large",
            "the message exceeds the limit of \(limit) octets",
            items: [
                Item("", "payload_too_large", Reply.messageTooLarge.text, reply: .messageTooLarge)
            ]
        ).closing
    }

    static func unavailable(_ detail: String) -> Problem {
        Problem(503, "store_unavailable", detail).with("Retry-After", "30")
    }

    static let shuttingDown = Problem(
        503,
        "shutting_down",
        "the gateway is stopping; send this again in a moment"
    ).with("Retry-After", "5")

    static func insufficientScope(_ detail: String) -> Problem {
        Problem(403, "insufficient_scope", detail)
    }
}

extension Problem {
    func write(to json: inout JSONWriter, instance: String) {
        json.beginObject()
        json.member("type", "about:blank")
        json.member("title", HTTPStatus.phrase(status))
        json.member("status", status)
        json.member("detail", detail)
        json.member("instance", instance)
        json.member("code", code)
        json.member("retryable", isRetryable)
        if !items.isEmpty { json.members("errors", items) { $0.write(to: &$1) } }
        json.endObject()
    }

    func answer(to request: RequestID) -> Answer {
        var json = JSONWriter()
        write(to: &json, instance: request.description)
        var answer = Answer(status, "application/problem+json", json.octets)
        answer.fields += fields
        answer.fields.append(("X-Request-Id", request.description))
        answer.closesConnection = closesConnection
        return answer
    }
}

extension Problem.Item {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("pointer", pointer)
        json.member("code", code)
        json.member("detail", detail)
        if let reply {
            json.key("smtp")
            reply.write(to: &json)
        }
        json.endObject()
    }
}

extension Reply {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("code", code)
        json.member("enhanced", enhanced)
        json.member("text", text)
        json.endObject()
    }
}
