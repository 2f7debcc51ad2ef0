import Mail

/// Writes names and values so that no text, wherever it comes from, can end its field line.
enum HTTPFieldText {
    /// `name: value CRLF`.
    static func append(_ name: String, _ value: String, to output: inout [UInt8]) {
        append(name: name, to: &output)
        output.append(HTTPOctet.colon)
        output.append(HTTPOctet.space)
        append(value: value, to: &output)
        appendLineEnd(to: &output)
    }

    /// What a name cannot hold becomes `-`; so does an empty name.
    static func append(name: String, to output: inout [UInt8]) {
        let start = output.count
        output.append(name)
        for place in start..<output.count where !HTTPOctetSet.token.contains(output[place]) {
            output[place] = HTTPOctet.hyphen
        }
        if output.count == start { output.append(HTTPOctet.hyphen) }
    }

    /// CR, LF, NUL and the other controls become blanks.
    static func append(value: String, to output: inout [UInt8]) {
        let start = output.count
        output.append(value)
        for place in start..<output.count where !HTTPOctet.isFieldText(output[place]) {
            output[place] = HTTPOctet.space
        }
    }

    static func appendLineEnd(to output: inout [UInt8]) {
        output.append(HTTPOctet.carriageReturn)
        output.append(HTTPOctet.lineFeed)
    }

    /// The fields that say where a message ends and what becomes of the connection: the writers
    /// of messages set them, nobody else.
    static func isReserved(_ name: String) -> Bool {
        let reserved =
            switch name.utf8.count {
            case 4: "date"
            case 10: "connection"
            case 14: "content-length"
            case 17: "transfer-encoding"
            default: ""
            }
        return !reserved.isEmpty
            && zip(name.utf8, reserved.utf8).allSatisfy { HTTPOctet.lowered($0) == $1 }
    }
}
