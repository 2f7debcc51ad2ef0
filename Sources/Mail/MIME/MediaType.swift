/// `type/subtype; name=value…` (RFC 2045 §5.1), names in lower case, values unquoted and decoded.
package struct MediaType: Sendable {
    package let type: String
    package let subtype: String
    package let parameters: [(name: String, value: String)]

    /// Nil without a type and a subtype; parameters that cannot be read are left out.
    package init?(parsing text: some StringProtocol) {
        var reader = ParameterReader(Array(text.utf8))
        guard let type = reader.token(), reader.skip(UInt8(ascii: "/")),
            let subtype = reader.token(), reader.isAtParameters
        else { return nil }
        self.type = type.lowercased()
        self.subtype = subtype.lowercased()
        parameters = reader.parameters()
    }

    /// Without its parameters.
    package var essence: String { type + "/" + subtype }

    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}

/// `attachment; filename="…"` (RFC 2183), and `form-data; name="…"` (RFC 7578).
package struct ContentDisposition: Sendable {
    package let kind: String
    package let parameters: [(name: String, value: String)]

    package init?(parsing text: some StringProtocol) {
        var reader = ParameterReader(Array(text.utf8))
        guard let kind = reader.token(), reader.isAtParameters else { return nil }
        self.kind = kind.lowercased()
        parameters = reader.parameters()
    }

    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}
