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
        if name.utf8.allSatisfy(HTTPOctetSet.token.contains), !name.isEmpty {
            output.append(contentsOf: name.utf8)
        } else if name.isEmpty {
            output.append(HTTPOctet.hyphen)
        } else {
            for octet in name.utf8 {
                output.append(HTTPOctetSet.token.contains(octet) ? octet : HTTPOctet.hyphen)
            }
        }
    }

    /// CR, LF, NUL and the other controls become blanks.
    static func append(value: String, to output: inout [UInt8]) {
        if value.utf8.allSatisfy(HTTPOctet.isFieldText) {
            output.append(contentsOf: value.utf8)
        } else {
            for octet in value.utf8 {
                output.append(HTTPOctet.isFieldText(octet) ? octet : HTTPOctet.space)
            }
        }
    }

    static func appendLineEnd(to output: inout [UInt8]) {
        output.append(HTTPOctet.carriageReturn)
        output.append(HTTPOctet.lineFeed)
    }

    /// The fields that say where a message ends and what becomes of the connection: the writers
    /// of messages set them, nobody else.
    static func isReserved(_ name: String) -> Bool {
        guard [4, 10, 14, 17].contains(name.utf8.count) else { return false }
        let name = [UInt8](name.utf8)[...]
        return ["date", "connection", "content-length", "transfer-encoding"]
            .contains { name.equalsIgnoringCase($0) }
    }
}
