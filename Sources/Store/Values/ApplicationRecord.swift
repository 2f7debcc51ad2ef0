package import Mail

/// An application as its administrator wrote it down.
package struct ApplicationRecord: Sendable, Equatable {
    package var id: ApplicationID
    /// Unique.
    package var name: String
    /// True for `--relay external`.
    package var relaysExternally: Bool
    package var senders: [String]
    package var recipients: [String]
    package var scopes: [String]
    /// Messages a minute.
    package var rate: Int?
    package var ipRanges: [String]
    package var defaultFrom: String?
    package var defaultTo: [String]
    /// SHA-256 fingerprints of client certificates that are this application, in lower-case hex.
    package var certificates: [String]
    /// `retry` or `hold`: what becomes of its mail when nobody knows whether the next hop has it; nil
    /// as the configuration says.
    package var uncertain: String?
    /// How long a recipient may wait from when it was to be sent; nil as long as it takes.
    package var deliverWithin: Duration?
    /// Where it goes then.
    package var escalateRoute: String?
    /// Who gets a copy of what does not arrive then either, or fails.
    package var escalateTo: String?
    package var createdAt: Timestamp

    package init(
        id: ApplicationID,
        name: String,
        relaysExternally: Bool = false,
        senders: [String] = [],
        recipients: [String] = [],
        scopes: [String] = [],
        rate: Int? = nil,
        ipRanges: [String] = [],
        defaultFrom: String? = nil,
        defaultTo: [String] = [],
        certificates: [String] = [],
        uncertain: String? = nil,
        deliverWithin: Duration? = nil,
        escalateRoute: String? = nil,
        escalateTo: String? = nil,
        createdAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.relaysExternally = relaysExternally
        self.senders = senders
        self.recipients = recipients
        self.scopes = scopes
        self.rate = rate
        self.ipRanges = ipRanges
        self.defaultFrom = defaultFrom
        self.defaultTo = defaultTo
        self.certificates = certificates
        self.uncertain = uncertain
        self.deliverWithin = deliverWithin
        self.escalateRoute = escalateRoute
        self.escalateTo = escalateTo
        self.createdAt = createdAt
    }
}

/// An API key, an administrator's key or an ingest token; never its secret.
package struct KeyRecord: Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
        case application = "a"
        case administrator = "d"
        case ingest = "i"
    }

    /// The 12 public characters.
    package var id: String
    package var kind: Kind
    /// Nil for an administrator's key.
    package var application: ApplicationID?
    package var secretHash: [UInt8]
    package var name: String?
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var revokedAt: Timestamp?
    package var lastUsedAt: Timestamp?

    package init(
        id: String,
        kind: Kind,
        application: ApplicationID?,
        secretHash: [UInt8],
        name: String? = nil,
        createdAt: Timestamp,
        expiresAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil,
        lastUsedAt: Timestamp? = nil
    ) {
        self.id = id
        self.kind = kind
        self.application = application
        self.secretHash = secretHash
        self.name = name
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.lastUsedAt = lastUsedAt
    }
}
