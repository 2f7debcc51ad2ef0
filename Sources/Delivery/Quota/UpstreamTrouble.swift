import Mail

/// What a service's reply says about its customer, that is about the route, whatever the mail (relay
/// model, sections 3.2 and 4; contract section 7, "Quota").
struct UpstreamTrouble: Sendable, Equatable {
    enum Kind: String, Sendable {
        /// Too many conversations at once.
        case concurrency
        /// Too many messages in a short time.
        case rate
        /// The day's share is used up.
        case dayQuota
        /// The account is throttled for what it sent, until somebody mends that.
        case throttled
        /// The account may not send this way until somebody mends that.
        case permission
    }

    let kind: Kind

    /// How long the route waits before it is tried again, the first time.
    var wait: Duration {
        switch kind {
        case .concurrency: .seconds(10)
        case .rate: .seconds(60)
        case .dayQuota, .permission: .seconds(3600)
        case .throttled: .seconds(4 * 3600)
        }
    }

    /// Somebody has to know of it: the route is suspended for that time.
    var suspends: Bool { kind != .concurrency && kind != .rate }

    /// Of a reply that says nothing of the kind: nil.
    init?(_ reply: HopReply) {
        guard let rule = Self.rules.first(where: { $0.fits(reply) }) else { return nil }
        kind = rule.kind
    }

    /// Each is asked in turn; what is empty fits all.
    private struct Rule: Sendable {
        let kind: Kind
        var codes: [Int] = []
        /// The enhanced code; `?` stands for any digit.
        var enhanced: [String] = []
        /// One of them in the text, in small letters.
        var words: [String] = []

        func fits(_ reply: HopReply) -> Bool {
            guard codes.isEmpty || codes.contains(reply.code),
                enhanced.isEmpty || enhanced.contains(where: { reply.isMarked($0) })
            else { return false }
            guard !words.isEmpty else { return true }
            let text = reply.text.lowercased()
            return words.contains { text.contains($0) }
        }
    }

    private static let rules: [Rule] = [
        Rule(kind: .permission, enhanced: ["5.7.139", "5.7.30", "5.7.64", "5.7.68"]),
        Rule(kind: .throttled, enhanced: ["5.2.25?"]),
        Rule(kind: .throttled, enhanced: ["5.1.8"], words: ["bad outbound sender"]),
        Rule(kind: .dayQuota, enhanced: ["5.7.23?", "5.1.90", "5.4.5"]),
        Rule(kind: .dayQuota, words: ["submissionquotaexceeded"]),
        Rule(
            kind: .dayQuota,
            codes: [550, 552, 554, 450, 451, 452],
            words: [
                "daily user sending limit", "daily smtp relay limit", "daily sending quota",
                "daily relay limit", "sending limit exceeded",
            ]
        ),
        Rule(
            kind: .rate,
            words: ["peak smtp relay limit", "relay limit exceeded", "submission rate"]
        ),
        Rule(kind: .rate, codes: [421, 450, 451], words: ["too many messages", "rate limit"]),
        Rule(kind: .rate, codes: [451], enhanced: ["4.7.5??", "4.7.6??"]),
        Rule(kind: .concurrency, codes: [432]),
        Rule(
            kind: .concurrency,
            words: ["concurrent connections", "too many connections", "thread limit exceeded"]
        ),
    ]
}

extension HopReply {
    fileprivate func isMarked(_ pattern: String) -> Bool {
        guard let enhanced, enhanced.utf8.count == pattern.utf8.count else { return false }
        return zip(enhanced.utf8, pattern.utf8).allSatisfy { octet, wanted in
            wanted == UInt8(ascii: "?") ? octet &- 48 < 10 : octet == wanted
        }
    }
}

extension AttemptReport {
    /// What was said about the route, where anything was.
    var trouble: UpstreamTrouble? {
        guard condition != nil else { return nil }
        return outcomes.lazy.compactMap(\.reply).compactMap { UpstreamTrouble($0) }.first
    }
}
