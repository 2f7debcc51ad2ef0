/// What a next hop said, or what Postern found itself: then the code is 0 and the enhanced code is
/// Postern's own (RFC 3463).
package struct HopReply: Sendable, Equatable {
    package let code: Int
    package let enhanced: String?
    package let text: String
    /// The host that spoke, as name or address with its port; empty when none was reached.
    package let host: String

    package init(code: Int, enhanced: String?, text: String, host: String) {
        self.code = code
        self.enhanced = enhanced
        self.text = text
        self.host = host
    }

    /// `mx.example [192.0.2.1]:25: 550 5.1.1 no such user`, for a log.
    var words: String {
        let said = [code == 0 ? nil : String(code), code == 0 ? nil : enhanced, text]
        let reply = said.compactMap { $0 }.joined(separator: " ")
        return host.isEmpty || text.contains(host) ? reply : "\(host): \(reply)"
    }

    /// RFC 6531 §3.7.4: a mail that needs SMTPUTF8, and a host that has not heard of it.
    static let lacksSMTPUTF8 = "5.6.7"

    /// Something found by Postern, not said by a peer.
    static func found(_ text: String, _ enhanced: String, host: String = "") -> HopReply {
        HopReply(code: 0, enhanced: enhanced, text: text, host: host)
    }
}

/// What became of one recipient in one attempt.
package enum Outcome: Sendable, Equatable {
    /// The next hop answers for it from here.
    case relayed(HopReply)
    case deferred(HopReply)
    case failed(HopReply)
    /// The connection was lost after the final dot: the next hop may have the mail, or not.
    case uncertain(HopReply)
    /// Not tried for real: at once in the next transaction.
    case again

    package var reply: HopReply? {
        switch self {
        case .relayed(let reply), .deferred(let reply), .failed(let reply), .uncertain(let reply):
            reply
        case .again: nil
        }
    }
}
