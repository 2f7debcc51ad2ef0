/// A Content-Type, RFC 9110 §8.3.1.
package struct MediaType: Sendable, Equatable {
    /// Type and subtype in lower case: `text/plain`.
    package let essence: String
    package let parameters: [HTTPParameter]

    /// Nil when this is no media type.
    package init?(_ value: some StringProtocol) {
        var reader = HTTPValueReader(value)
        reader.skipBlanks()
        guard let type = reader.token(), reader.take(HTTPOctet.slash), let subtype = reader.token(),
            let parameters = reader.parameters()
        else { return nil }
        essence = "\(type)/\(subtype)".lowercased()
        self.parameters = parameters
    }

    /// Of the first parameter with that name, in any case.
    package func parameter(_ name: String) -> String? {
        let name = name.lowercased()
        return parameters.first { $0.name == name }?.value
    }

    package var charset: String? { parameter("charset")?.lowercased() }

    /// Of a multipart type, if it is one that RFC 2046 §5.1.1 allows.
    package var boundary: String? {
        guard essence.hasPrefix("multipart/"), let boundary = parameter("boundary"),
            MultipartReader.isBoundary(boundary)
        else { return nil }
        return boundary
    }
}

extension HTTPFields {
    /// Nil when there is none, or none that can be read.
    package var contentType: MediaType? { first("Content-Type").flatMap { MediaType($0) } }
}
