/// The requests of the benchmark, as they go over the wire.
enum HTTPRequests {
    /// A JSON message of 1,024 octets.
    static func message(
        for recipient: String = "operator@bench.example",
        to host: String,
        key: String
    ) -> [UInt8] {
        let start = """
            {"from":"backup@bench.example","to":["\(recipient)"],\
            "subject":"Nightly backup finished","text":"
            """
        let line = "All 42 volumes of the night are written and verified. "
        let room = 1024 - start.utf8.count - 2
        let text = String(repeating: line, count: room / line.utf8.count + 1).prefix(room)
        return post(start + text + "\"}", to: host, key: key)
    }

    /// So many messages at once.
    static func batch(of count: Int, to host: String, key: String) -> [UInt8] {
        let message = """
            {"from":"backup@bench.example","to":["operator@bench.example"],\
            "subject":"Nightly backup finished","text":"All 42 volumes are written and verified."}
            """
        let list = repeatElement(message, count: count).joined(separator: ",")
        let json = "{\"messages\":[\(list)]}"
        let head = head(of: json.utf8.count, path: "/v1/messages/batch", to: host, key: key)
        return head + Array(json.utf8)
    }

    static func post(_ json: String, to host: String, key: String) -> [UInt8] {
        head(of: json.utf8.count, to: host, key: key) + Array(json.utf8)
    }

    /// The head of a POST whose content follows piece by piece.
    static func head(
        of length: Int,
        path: String = "/v1/messages",
        to host: String,
        key: String
    ) -> [UInt8] {
        Array(
            """
            POST \(path) HTTP/1.1\r
            Host: \(host)\r
            Authorization: Bearer \(key)\r
            Content-Type: application/json\r
            Content-Length: \(length)\r
            \r

            """.utf8
        )
    }

    static func get(_ path: String, from host: String, key: String) -> [UInt8] {
        Array(
            """
            GET \(path) HTTP/1.1\r
            Host: \(host)\r
            Authorization: Bearer \(key)\r
            \r

            """.utf8
        )
    }
}
