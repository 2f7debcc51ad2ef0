import Wire

/// JSON strictly, and JSON5 as configuration is written.
func feedJSON(_ octets: [UInt8], _ cuts: Cuts) {
    let whole = read([octets])
    demand(whole == read(cuts.pieces(of: octets)), "JSON does not depend on the cuts")
    if case .success(let value) = whole {
        let text = value.serialized()
        demand(read([text]) == whole, "what was read and written is read again")
        demand((try? JSON5.parse(octets.span)) != nil, "JSON is JSON5")
    } else {
        _ = try? JSON5.parse(octets.span)
    }
}

private func read(_ pieces: [[UInt8]]) -> Result<JSONValue, JSONError> {
    Result { () throws(JSONError) in
        var reader = JSONDocumentReader()
        for piece in pieces { try reader.receive(piece.span) }
        return try reader.finish()
    }
}

/// Requests, pipelined or not.
func feedHTTP(_ octets: [UInt8], _ cuts: Cuts) {
    let whole = HTTPReading(of: [octets])
    let cut = HTTPReading(of: cuts.pieces(of: octets))
    demand(whole == cut, "requests do not depend on the cuts")
}

/// The events of a parser with neighbouring pieces of a body joined.
private struct HTTPReading: Equatable {
    private var events: [HTTPRequestEvent] = []
    private var error: HTTPParseError?

    init(of pieces: [[UInt8]]) {
        var parser = HTTPRequestParser(limits: HTTPLimits())
        for piece in pieces where error == nil {
            parser.receive(piece.span)
            do {
                while let event = try parser.next() { add(event) }
            } catch {
                self.error = error
            }
        }
    }

    private mutating func add(_ event: HTTPRequestEvent) {
        if case .body(let more) = event, case .body(let earlier) = events.last {
            events[events.count - 1] = .body(earlier + more)
        } else {
            events.append(event)
        }
    }
}
