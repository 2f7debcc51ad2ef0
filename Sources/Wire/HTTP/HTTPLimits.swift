/// How much one peer may make us read or hold, part by part. What goes beyond is refused.
package struct HTTPLimits: Sendable, Equatable {
    var methodOctets = 32
    var targetOctets = 8192
    /// One field line without its CRLF.
    var fieldLineOctets = 16_384
    var fieldCount = 100
    /// The first line of a response (client side).
    var statusLineOctets = 1024
    /// All field lines of a message together.
    var sectionOctets = 65_536
    var trailerOctets = 8192
    /// The extension of one chunk, RFC 9112 §7.1.1.
    var chunkExtensionOctets = 256
    /// The extensions of all chunks of one message.
    var messageExtensionOctets = 65_536
    /// The content as it travels, before any decompression.
    package var bodyOctets = 64 << 20
    /// 1xx answers ahead of the final one (client side).
    var interimResponses = 16

    package init() {}
}

/// Why a peer's message is refused. The connection cannot be used for another message.
package struct HTTPParseError: Error, Equatable {
    /// What to answer: 400, 413, 414, 431, 501 or 505. Of a response read by us always 502.
    package let status: Int
    /// A sentence for people.
    package let reason: String

    package init(status: Int = 400, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}
