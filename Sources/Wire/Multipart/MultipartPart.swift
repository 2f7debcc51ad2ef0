/// One part of a multipart body, without its content.
package struct MultipartPart: Sendable, Equatable {
    package let fields: HTTPFields
    /// Of the form field, RFC 7578 §4.2.
    package let name: String?
    /// Without any path before it, RFC 7578 §4.2; nil when the part is no file.
    package let filename: String?
    /// Nil when the part names none, or none that can be read.
    package let contentType: MediaType?

    init(_ fields: HTTPFields) {
        self.fields = fields
        contentType = fields.contentType
        let disposition = fields.first("Content-Disposition").map(Self.parameters) ?? []
        name = disposition.first { $0.name == "name" }?.value
        // RFC 6266 §4.3: the extended form is preferred.
        let extended = disposition.first { $0.name == "filename*" }
            .flatMap { ExtendedValue.decode($0.value) }
        let filename = extended ?? disposition.first { $0.name == "filename" }?.value
        self.filename = filename.map(Self.lastComponent)
    }

    private static func parameters(_ disposition: String) -> [HTTPParameter] {
        var reader = HTTPValueReader(disposition)
        reader.skipBlanks()
        guard reader.token() != nil else { return [] }
        return reader.parameters() ?? []
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last
            .map(String.init) ?? ""
    }
}

/// `charset'language'value` with percent-encoding, RFC 8187 §3.2.
enum ExtendedValue {
    /// Nil for a charset other than UTF-8 and ISO-8859-1, or what is broken.
    static func decode(_ value: String) -> String? {
        let pieces = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3,
            let octets = PercentCoding.octets([UInt8](pieces[2].utf8)[...]), !octets.contains(0)
        else { return nil }
        switch pieces[0].lowercased() {
        case "utf-8": return String(validating: octets, as: UTF8.self)
        case "iso-8859-1":
            return String(decoding: octets.map { UInt16($0) }, as: UTF16.self)
        default: return nil
        }
    }
}
