package import Mail

/// What was seen of one who uses a door: a client's address at a connector, as itself or as an
/// application.
package struct SourceSighting: Hashable, Sendable {
    /// Whose sightings are one.
    package struct Key: Hashable, Sendable {
        package let address: IPAddress
        package let connector: String
        /// Nil for the anonymous.
        package let application: ApplicationID?

        package init(address: IPAddress, connector: String, application: ApplicationID?) {
            self.address = address
            self.connector = connector
            self.application = application
        }
    }

    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// As of the last time; so are the next three.
    package var helo: String?
    /// `TLSv1.3`; nil in the clear.
    package var tlsVersion: String?
    package var tlsCipher: String?
    package var mechanism: String?
    /// A set of bits that the observer gives their meaning; they only ever gather.
    package var quirks = 0
    package var messages = 0
    package var refusals = 0

    package init(at now: Timestamp) {
        firstSeen = now
        lastSeen = now
    }

    /// Adds what was seen later.
    package mutating func add(_ later: SourceSighting) {
        lastSeen = max(lastSeen, later.lastSeen)
        helo = later.helo ?? helo
        // What it speaks when it speaks TLS: one connection in the clear proves nothing against it.
        if later.tlsVersion != nil { (tlsVersion, tlsCipher) = (later.tlsVersion, later.tlsCipher) }
        mechanism = later.mechanism ?? mechanism
        quirks |= later.quirks
        messages += later.messages
        refusals += later.refusals
    }
}

package struct SourceRecord: Hashable, Sendable {
    package let key: SourceSighting.Key
    package let sighting: SourceSighting
    let row: Int64

    /// Of the three that are the key together.
    package var id: String { "src_\(row)" }
}

/// Which sources to list; what is nil does not narrow it.
package struct SourceQuery: Sendable {
    /// The first and the last address, of one family.
    package var addresses: ClosedRange<IPAddress>?
    package var connector: String?
    package var application: ApplicationID?
    /// One of these versions of TLS was the last.
    package var tlsVersions: [String] = []
    package var limit: Int
    package var cursor: PageCursor?

    package init(limit: Int = 50, cursor: PageCursor? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}

/// Addresses of a connector that an administrator wants to know in use.
package struct WatchedRange: Hashable, Sendable {
    package let connector: String
    package let addresses: ClosedRange<IPAddress>

    package init(connector: String, addresses: ClosedRange<IPAddress>) {
        self.connector = connector
        self.addresses = addresses
    }
}
