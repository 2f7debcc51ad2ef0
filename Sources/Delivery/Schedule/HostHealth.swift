import Mail

/// Which next hops are dead: remembered for a short, growing time, so that not each message waits
/// for its own connect timeout; after that one attempt at a time finds out. And how many conversations
/// a living one bears.
struct HostHealth: Sendable {
    struct Ailment: Sendable, Equatable {
        /// How many times in a row it was found dead.
        var failures: Int
        var deadUntil: Timestamp
        /// What was found last.
        var reason: String
    }

    enum Permission: Sendable, Equatable {
        case healthy
        /// It was dead; whoever holds this finds out whether it still is.
        case probe
        case denied(Ailment)
        /// It bears no more conversations than these.
        case full(Int)
    }

    private struct Talk {
        var count = 0
        /// Being opened.
        var opening = 0
        /// When the host last did what it was asked.
        var lastGood: Timestamp
        /// No more than so many until then.
        var most: Int?
        var mostUntil: Timestamp?
    }

    /// The first silence, doubled with each failure up to the longest.
    var shortest = Duration.seconds(5)
    var longest = Duration.seconds(60)
    /// How long one attempt may find out before another may try too.
    var probe = Duration.seconds(40)
    /// How long a host's refusal of one more conversation is remembered.
    var crowding = Duration.seconds(5)
    /// A host that has done nothing for so long is not busy but hung.
    var liveliness = Duration.seconds(30)
    private var ailing: [String: Ailment] = [:]
    private var talking: [String: Talk] = [:]

    init() {}

    /// Whether to try this host now; a probe is allowed once in its time.
    mutating func permission(for host: String, at now: Timestamp) -> Permission {
        guard var ailment = ailing[host] else { return permissionToJoin(host, at: now) }
        guard ailment.deadUntil <= now else { return .denied(ailment) }
        ailment.deadUntil = now + probe
        ailing[host] = ailment
        return .probe
    }

    private func permissionToJoin(_ host: String, at now: Timestamp) -> Permission {
        guard let talk = talking[host], let most = talk.most, let until = talk.mostUntil,
            until > now, talk.count >= most
        else { return .healthy }
        return .full(most)
    }

    /// Attempts that were under way when the host died add nothing to its failures; a probe does.
    mutating func failed(_ host: String, because reason: String, at now: Timestamp, isProbe: Bool) {
        var ailment = ailing[host] ?? Ailment(failures: 0, deadUntil: now, reason: reason)
        guard ailment.failures == 0 || isProbe else { return }
        let doubled = shortest * (1 << min(ailment.failures, 10))
        ailment.failures += 1
        ailment.deadUntil = now + min(doubled, longest)
        ailment.reason = reason
        ailing[host] = ailment
    }

    mutating func succeeded(_ host: String) {
        if !ailing.isEmpty { ailing[host] = nil }
    }

    func dead(at now: Timestamp) -> [(host: String, ailment: Ailment)] {
        ailing.filter { $0.value.deadUntil > now }
            .map { (host: $0.key, ailment: $0.value) }.sorted { $0.host < $1.host }
    }

    /// When the first dead host may be tried again.
    var earliestReturn: Timestamp? { ailing.values.lazy.map(\.deadUntil).min() }

    /// Forgets what is long over, so that the hosts of a lifetime do not pile up.
    mutating func forget(before moment: Timestamp) {
        ailing = ailing.filter { $0.value.deadUntil >= moment }
    }

    /// Lets all be tried at once.
    mutating func reset() { ailing = [:] }
}

// MARK: - Conversations

extension HostHealth {
    mutating func approached(_ host: String, at now: Timestamp) {
        talking[host, default: Talk(lastGood: now)].opening += 1
    }

    /// An approach is over: a conversation has begun, or has not.
    mutating func settled(_ host: String, hasBegun: Bool, at now: Timestamp) {
        change(host) { talk in
            talk.opening -= 1
            guard hasBegun else { return }
            talk.count += 1
            talk.lastGood = now
        }
    }

    mutating func ended(_ host: String) {
        change(host) { $0.count -= 1 }
    }

    private mutating func change(_ host: String, _ change: (inout Talk) -> Void) {
        guard var talk = talking[host] else { return }
        change(&talk)
        talking[host] = talk.count + talk.opening > 0 ? talk : nil
    }

    mutating func progressed(_ host: String, at now: Timestamp) {
        talking[host]?.lastGood = now
    }

    /// It wanted no further conversation; the one that was refused is not settled yet. Answers how many
    /// it may have, where they go on well: then it is not dead, but has enough of them. While others
    /// are being opened, and it said so in words, what becomes of the last of them will tell.
    mutating func crowd(at host: String, inWords: Bool, at now: Timestamp) -> Int? {
        guard var talk = talking[host], talk.lastGood + liveliness > now else { return nil }
        let others = talk.opening - 1
        guard talk.count > 0 || (inWords && others > 0) else { return nil }
        let room = talk.count + max(0, others)
        talk.most = room
        talk.mostUntil = now + crowding
        talking[host] = talk
        return room
    }
}
