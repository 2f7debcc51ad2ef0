package import Mail

extension HTTPFields {
    /// Nil when there is none, or none that can be read.
    package var contentType: MediaType? {
        first("Content-Type").flatMap { MediaType(parsing: $0) }
    }
}

extension MediaType {
    /// Of a multipart type, if it is one that RFC 2046 §5.1.1 allows: 1 to 70 characters of a small
    /// set, the last one no blank.
    package var boundary: String? {
        guard type == "multipart", let boundary = parameter("boundary"),
            1...70 ~= boundary.utf8.count, boundary.utf8.last != HTTPOctet.space
        else { return nil }
        let others = "'()+_,-./:=? ".utf8
        let isAllowed = boundary.utf8.allSatisfy {
            HTTPOctetSet.unreserved.contains($0) && $0 != 0x7E || others.contains($0)
        }
        return isAllowed ? boundary : nil
    }
}
