/// `type/subtype; name=value…` (RFC 2045 §5.1, RFC 9110 §8.3.1).
package struct MediaType: Sendable, Equatable {
    /// In lower case, as the subtype.
    package let type: String
    /// Type and subtype, without the parameters: `text/plain`.
    package let essence: String
    package let parameters: [MIMEParameter]

    /// Nil for anything else, and where a parameter cannot be read.
    package init?(parsing text: some StringProtocol) {
        var reader = ParameterReader(Array(text.utf8))
        guard let type = reader.token(), reader.skip(UInt8(ascii: "/")),
            let subtype = reader.token(), let parameters = reader.parameters()
        else { return nil }
        self.type = type.lowercased()
        essence = self.type + "/" + subtype.lowercased()
        self.parameters = parameters
    }

    package func parameter(_ name: String) -> String? { parameters.first(name) }
}

/// `attachment; filename="…"` (RFC 2183), and `form-data; name="…"` (RFC 7578 §4.2).
package struct ContentDisposition: Sendable, Equatable {
    private let parameters: [MIMEParameter]

    /// Nil as for a media type.
    package init?(parsing text: some StringProtocol) {
        var reader = ParameterReader(Array(text.utf8))
        guard reader.token() != nil, let parameters = reader.parameters() else { return nil }
        self.parameters = parameters
    }

    package func parameter(_ name: String) -> String? { parameters.first(name) }
}

/// Its name is in lower case, its value unquoted and decoded.
package struct MIMEParameter: Sendable, Equatable {
    package let name: String
    package let value: String
}

extension [MIMEParameter] {
    fileprivate func first(_ name: String) -> String? { first { $0.name == name }?.value }
}
