/// Why a next hop did not take a mail, as far as its words tell: the enhanced code first (RFC 3463),
/// then the text, then the plain code. What Microsoft, Google, Exchange and Postfix say is known.
package enum BounceClass: String, Sendable, CaseIterable {
    /// There is no such mailbox, or it is no longer in use.
    case badMailbox = "bad_mailbox"
    /// There is no such domain, or it takes no mail.
    case badDomain = "bad_domain"
    case mailboxFull = "mailbox_full"
    /// The mailbox is there and does not take mail at present.
    case inactive
    case size
    /// The content is not liked: an attachment, a virus, a malformed header.
    case content
    case spam
    /// The sending address or network has a bad name.
    case reputation
    /// SPF, DKIM or DMARC did not pass.
    case senderAuthentication = "sender_authentication"
    /// Not allowed: relaying, a restricted list, a rule of the recipient's.
    case policy
    /// The next hop wants a logon or TLS that it did not get.
    case authentication
    /// Too much at once, or in a day.
    case quota
    /// Loops, unreachable hosts, no route.
    case routing
    /// Nobody answered in time, or the connection broke.
    case connection
    case expired
    /// The next hop does not understand the mail or the command.
    case `protocol`
    /// The next hop's own trouble.
    case system
    case other
}

extension BounceClass {
    /// `code` is 0 for what no peer said.
    package init(code: Int, enhanced: String?, text: String) {
        let words = text.lowercased()
        if let enhanced, let exact = Self.exactly[enhanced] {
            self = exact
        } else if let found = Self.phrases.first(where: { words.contains($0.phrase) }) {
            self = found.kind
        } else if let kind = enhanced.flatMap(Self.bySubject) {
            self = kind
        } else {
            self = Self.byCode[code] ?? .other
        }
    }

    /// Trying the same address again is in vain: it goes towards the suppression list. A permanent
    /// refusal for any other reason says nothing about the address.
    package static func isHardBounce(code: Int, enhanced: String?, text: String) -> Bool {
        let isPermanent = code == 0 ? enhanced?.hasPrefix("5.") == true : code / 100 == 5
        guard isPermanent else { return false }
        return switch BounceClass(code: code, enhanced: enhanced, text: text) {
        case .badMailbox, .badDomain, .inactive: true
        default: false
        }
    }

    /// Codes that mean one thing, whatever the text says.
    private static let exactly: [String: BounceClass] = [
        "5.1.1": .badMailbox, "5.1.10": .badMailbox, "5.1.6": .badMailbox, "5.0.1": .badMailbox,
        "5.1.2": .badDomain, "5.4.310": .badDomain, "4.1.2": .badDomain,
        "5.2.1": .inactive, "4.2.1": .inactive,
        "5.2.2": .mailboxFull, "4.2.2": .mailboxFull,
        "5.2.3": .size, "5.3.4": .size, "4.3.4": .size,
        "5.4.6": .routing, "5.4.14": .routing, "4.4.7": .expired, "5.4.7": .expired,
        "4.4.1": .connection, "4.4.2": .connection,
        "5.4.5": .quota, "4.5.3": .quota, "5.1.90": .quota, "4.3.2": .quota,
        "5.7.3": .authentication, "5.7.8": .authentication, "5.7.9": .authentication,
        "5.7.30": .authentication, "5.7.57": .authentication, "5.7.139": .authentication,
        "5.7.20": .senderAuthentication, "5.7.21": .senderAuthentication,
        "5.7.22": .senderAuthentication, "5.7.23": .senderAuthentication,
        "5.7.24": .senderAuthentication, "5.7.25": .senderAuthentication,
        "5.7.26": .senderAuthentication, "5.7.27": .senderAuthentication,
        "5.7.509": .senderAuthentication, "5.7.515": .senderAuthentication,
        "5.7.54": .policy, "5.7.60": .policy, "5.7.64": .policy,
        "5.7.511": .reputation, "5.7.606": .reputation, "5.7.708": .reputation,
        "5.6.7": .protocol,
    ]

    /// The first that occurs decides; the particular stand before the general.
    private static let phrases: [(phrase: String, kind: BounceClass)] = [
        ("submissionquotaexceeded", .quota), ("daily user sending limit", .quota),
        ("sending limit exceeded", .quota), ("relay limit exceeded", .quota),
        ("too many messages", .quota), ("rate limit", .quota), ("too many connections", .quota),
        ("over quota", .mailboxFull), ("quota exceeded", .mailboxFull),
        ("mailbox full", .mailboxFull),
        ("mailbox is full", .mailboxFull), ("out of storage", .mailboxFull),
        ("dmarc", .senderAuthentication), ("dkim", .senderAuthentication),
        ("spf ", .senderAuthentication), ("spf-", .senderAuthentication),
        ("spamhaus", .reputation), ("spamcop", .reputation), ("blocklist", .reputation),
        ("blacklist", .reputation), ("block list", .reputation), ("blocked using", .reputation),
        ("dnsbl", .reputation), ("reputation", .reputation), ("listed by", .reputation),
        ("virus", .content), ("malware", .content), ("attachment", .content),
        ("spam", .spam), ("unsolicited", .spam), ("junk mail", .spam),
        ("message size", .size), ("too large", .size), ("too big", .size),
        ("user unknown", .badMailbox), ("unknown user", .badMailbox), ("no such user", .badMailbox),
        ("no such recipient", .badMailbox), ("mailbox unavailable", .badMailbox),
        ("mailbox not found", .badMailbox), ("does not exist", .badMailbox),
        ("unknown recipient", .badMailbox), ("recipient unknown", .badMailbox),
        ("recipient not found", .badMailbox), ("invalid recipient", .badMailbox),
        ("invalid mailbox", .badMailbox), ("no mailbox here", .badMailbox),
        ("recipientnotfound", .badMailbox), ("address rejected: undeliverable", .badMailbox),
        ("domain not found", .badDomain), ("host or domain name not found", .badDomain),
        ("account disabled", .inactive), ("account is disabled", .inactive),
        ("mailbox disabled", .inactive), ("account inactive", .inactive),
        ("relay access denied", .policy), ("relaying denied", .policy),
        ("unable to relay", .policy),
        ("not permitted to relay", .policy),
        ("authentication required", .authentication), ("starttls", .authentication),
        ("loop", .routing), ("too many hops", .routing),
        ("greylist", .policy), ("graylist", .policy),
    ]

    /// By the subject of the code, and its detail where that says more (RFC 3463 §3).
    private static func bySubject(_ enhanced: String) -> BounceClass? {
        let parts = enhanced.split(separator: ".")
        guard parts.count == 3 else { return nil }
        switch (parts[1], parts[2]) {
        case ("1", "7"), ("1", "8"): return .policy
        case ("1", "3"), ("1", "4"), ("1", "0"): return .badMailbox
        case ("2", "4"): return .routing
        case ("2", _): return .inactive
        case ("3", _): return .system
        case ("4", "4"), ("4", "3"): return .routing
        case ("4", _): return .connection
        case ("5", _): return .protocol
        case ("6", _): return .content
        case ("7", "5"): return .authentication
        case ("7", _): return .policy
        default: return nil
        }
    }

    private static let byCode: [Int: BounceClass] = [
        421: .system, 432: .quota, 450: .inactive, 451: .system, 452: .system, 454: .authentication,
        500: .protocol, 501: .protocol, 502: .protocol, 503: .protocol, 504: .protocol,
        523: .size, 530: .authentication, 534: .authentication, 535: .authentication,
        538: .authentication, 550: .badMailbox, 551: .badMailbox, 552: .mailboxFull,
        553: .badMailbox, 555: .protocol, 556: .badDomain,
    ]
}
