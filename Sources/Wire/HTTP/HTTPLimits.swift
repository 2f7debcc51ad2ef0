/// How much one peer may make us read or hold, part by part. What goes beyond is refused.
package struct HTTPLimits: Sendable, Equatable {
    package var methodOctets = 32
    package var targetOctets = 8192
    /// One field line without its CRLF.
    package var fieldLineOctets = 16_384
    package var fieldCount = 100
    /// The first line of a response (client side).
    package var statusLineOctets = 1024
    /// All field lines of a message together.
    package var sectionOctets = 65_536
    package var trailerOctets = 8192
    /// The extension of one chunk, RFC 9112 §7.1.1.
    package var chunkExtensionOctets = 256
    /// The extensions of all chunks of one message.
    package var messageExtensionOctets = 65_536
    /// The content as it travels, before any decompression.
    package var bodyOctets = 64 << 20
    /// 1xx answers ahead of the final one (client side).
    package var interimResponses = 16

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
