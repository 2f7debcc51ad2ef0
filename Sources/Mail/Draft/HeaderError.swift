/// Why a field may not be added to a draft, as a sentence for whoever asked for it.
package struct HeaderError: Error, Equatable, CustomStringConvertible {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { reason }
}

extension Draft {
    /// Throws for a name that is none or belongs to the gateway, and for a value with controls: no
    /// value can begin a line of its own.
    package static func checkHeader(name: String, value: String) throws(HeaderError) {
        guard !name.isEmpty else { throw HeaderError("a header has no name") }
        guard name.utf8.allSatisfy(ByteSet.ftext.contains) else {
            throw HeaderError("a header's name is made of printable ASCII without colon or space")
        }
        guard name.utf8.count <= 76 else {
            throw HeaderError("a header's name is longer than 76 characters")
        }
        let lowered = name.lowercased()
        if let field = ownFields[lowered] {
            throw HeaderError("\(name) is set by the field `\(field)`")
        }
        guard !reserved.contains(lowered), !reservedPrefixes.contains(where: lowered.hasPrefix)
        else { throw HeaderError("\(name) is written by the gateway") }
        for scalar in value.unicodeScalars where scalar != "\t" {
            let isControl = scalar.value < 32 || (0x7f...0x9f).contains(scalar.value)
            guard !isControl, scalar.value != 0x2028, scalar.value != 0x2029 else {
                throw HeaderError("the value of \(name) holds a control character")
            }
        }
        guard value.utf8.count <= valueLimit else {
            throw HeaderError("the value of \(name) is longer than \(valueLimit) octets")
        }
    }

    private static let valueLimit = 16_384

    private static let ownFields = [
        "from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to",
        "subject": "subject",
    ]

    private static let reserved: Set<String> = [
        "sender", "date", "message-id", "mime-version", "received", "return-path",
        "dkim-signature",
    ]

    private static let reservedPrefixes = ["content-", "resent-"]
}
