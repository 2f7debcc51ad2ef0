package import Mail

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
        let disposition = fields.first("Content-Disposition")
            .flatMap { ContentDisposition(parsing: $0) }
        name = disposition?.parameter("name")
        filename = disposition?.parameter("filename").map(Self.lastComponent)
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last
            .map(String.init) ?? ""
    }
}
