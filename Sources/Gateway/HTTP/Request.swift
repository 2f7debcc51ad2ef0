import Mail
import Net
import Policy
import Wire

/// One request as a handler sees it: authenticated, its body still to be read.
final class Request {
    let head: HTTPRequestHead
    let id: RequestID
    /// The receive connector it came through; nil for the control socket.
    let connector: ReceiveConnector?
    let peer: IPAddress
    let isSecure: Bool
    let body: any RequestBody
    /// Set once the credentials are checked.
    var identity: Identity
    /// Nil in the clear.
    var tls: TLSFacts?
    /// What its messages count against; every answer tells how these stand.
    var rates: [Rate] = []
    /// What the route's pattern caught, by name.
    var parameters: [String: String] = [:]
    /// The query's parameters, decoded.
    var query = HTTPQuery()

    init(
        head: HTTPRequestHead,
        id: RequestID,
        connector: ReceiveConnector?,
        peer: IPAddress,
        isSecure: Bool,
        body: any RequestBody,
        identity: Identity
    ) {
        self.head = head
        self.id = id
        self.connector = connector
        self.peer = peer
        self.isSecure = isSecure
        self.body = body
        self.identity = identity
    }
}

/// Where a request's body comes from, its transfer and content coding already taken off.
protocol RequestBody: AnyObject {
    /// The next piece; nil at the end. A piece is never empty.
    func next() async throws(Problem) -> [UInt8]?
}

extension RequestBody {
    /// The whole body, of at most `limit` octets.
    func all(upTo limit: Int) async throws(Problem) -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try await next() {
            guard whole.count + piece.count <= limit else { throw .tooLarge(limit: limit) }
            if whole.isEmpty { whole = piece } else { whole += piece }
        }
        return whole
    }
}

/// A body that is already here.
final class HeldBody: RequestBody {
    private var octets: [UInt8]?

    init(_ octets: [UInt8]) {
        self.octets = octets.isEmpty ? nil : octets
    }

    func next() async throws(Problem) -> [UInt8]? {
        defer { octets = nil }
        return octets
    }
}

extension Request {
    /// The query parameter of that name, when it is given once.
    func query(_ name: String) throws(Problem) -> String? {
        let values = queries(name)
        guard values.count <= 1 else {
            throw .invalid("", "the query parameter \(name) is given \(values.count) times")
        }
        return values.first
    }

    func queries(_ name: String) -> [String] {
        query.all(name)
    }

    /// Refuses query parameters that the resource does not know: a filter misspelt is no filter.
    func allowQuery(_ names: [String]) throws(Problem) {
        for parameter in query.parameters where !names.contains(parameter.name) {
            let known = names.isEmpty ? "none" : names.joined(separator: ", ")
            throw .invalid(
                "",
                "unknown query parameter \(parameter.name); known: \(known)",
                code: "unknown_parameter"
            )
        }
    }

    func parameter<Value: LosslessStringConvertible>(
        _ name: String,
        as type: Value.Type = Value.self
    ) throws(Problem) -> Value {
        guard let value = parameters[name].flatMap({ Value($0) }) else { throw .notFound }
        return value
    }
}
