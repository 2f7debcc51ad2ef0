import Crypto
import Mail
import Synchronization

/// How a source stands after its failed logons.
enum LogonStanding: Comparable, Sendable {
    case good
    /// Its next logon is to wait first.
    case suspect
    /// Its logons are not judged until then.
    case shutOut(until: Timestamp)
}

/// Counts failed logons by their source, in a bucket that leaks: who mistypes is forgiven in a
/// minute, and a device that repeats one wrong password now and then never fills it, so that it does
/// not shut out its neighbours behind the same address. What one address does touches no other,
/// except that an IPv6 network has a bucket too, a larger one, which holds for its strangers only.
final class LogonPenalties: Sendable {
    private static let newGuess = 3
    private static let sameGuess = 2
    private static let leak: Duration = .seconds(10)
    /// Five quick guesses.
    private static let suspicion = 15
    /// Twelve quick guesses.
    private static let limit = 36
    /// So much more does a network's bucket hold.
    private static let neighbours = 8
    static let exclusion: Duration = .seconds(300)

    private struct Account {
        let suspicion: Int
        let limit: Int
        var points = 0
        var at: Timestamp
        var shutUntil: Timestamp?
        /// What was tried last, as hashes under a key of this process.
        var guesses: [UInt64] = []

        init(of source: LogonSource, at now: Timestamp) {
            var size = 1
            if case .network = source { size = LogonPenalties.neighbours }
            suspicion = size * LogonPenalties.suspicion
            limit = size * LogonPenalties.limit
            at = now
        }

        var standing: LogonStanding {
            shutUntil.map { .shutOut(until: $0) } ?? (points >= suspicion ? .suspect : .good)
        }

        /// True when this one shuts its source out.
        mutating func fail(_ guess: UInt64, at now: Timestamp) -> Bool {
            settle(at: now)
            points += guesses.contains(guess) ? LogonPenalties.sameGuess : LogonPenalties.newGuess
            guesses = (guesses.filter { $0 != guess } + [guess]).suffix(8)
            guard shutUntil == nil, points >= limit else { return false }
            shutUntil = now + LogonPenalties.exclusion
            return true
        }

        mutating func settle(at now: Timestamp) {
            if let end = shutUntil, now >= end || end - now > LogonPenalties.exclusion {
                shutUntil = nil
                points = suspicion
                at = now
            }
            let steps = Int(max(.zero, now - at) / LogonPenalties.leak)
            points = max(0, points - steps)
            at = now < at ? now : at + LogonPenalties.leak * steps
        }
    }

    private let capacity: Int
    private let key = SecureRandom.bytes(32)
    private let accounts = Mutex<[LogonSource: Account]>([:])

    init(capacity: Int = 20_000) {
        self.capacity = capacity
    }

    /// How many sources are remembered.
    var count: Int { accounts.withLock { $0.count } }

    func standing(
        of source: LogonSource,
        isRegular: Bool,
        at now: Timestamp
    ) -> LogonStanding {
        accounts.withLock { accounts in
            func standing(of source: LogonSource) -> LogonStanding {
                accounts[source]?.settle(at: now)
                return accounts[source]?.standing ?? .good
            }
            let own = standing(of: source)
            guard !isRegular, let network = source.network else { return own }
            return max(own, standing(of: network))
        }
    }

    /// Notes a failure. `guess` is what was tried; it is not kept. Names what this one shuts out.
    func fail(_ source: LogonSource, guess: String, at now: Timestamp) -> LogonSource? {
        let mark = mark(of: guess)
        return accounts.withLock { accounts in
            var shutOut: LogonSource?
            for bucket in [source.network, source].compactMap(\.self)
            where accounts[bucket, default: Account(of: bucket, at: now)].fail(mark, at: now) {
                shutOut = bucket
            }
            if accounts.count > capacity { Self.shrink(&accounts, to: capacity, at: now) }
            return shutOut
        }
    }

    /// Those who are forgiven go; if a crowd is left, the lightest half of it.
    private static func shrink(
        _ accounts: inout [LogonSource: Account],
        to capacity: Int,
        at now: Timestamp
    ) {
        for (source, account) in accounts {
            var account = account
            account.settle(at: now)
            accounts[source] = account.points == 0 && account.shutUntil == nil ? nil : account
        }
        guard accounts.count > capacity else { return }
        let heaviest = accounts.sorted {
            ($0.value.shutUntil == nil ? 0 : 1, $0.value.points)
                > ($1.value.shutUntil == nil ? 0 : 1, $1.value.points)
        }
        accounts = Dictionary(uniqueKeysWithValues: heaviest.prefix(capacity / 2).map { $0 })
    }

    private func mark(of guess: String) -> UInt64 {
        let (key, text) = (key, Array(guess.utf8))
        let hash = try? HMAC.sha256(text.span, key: key.span)
        return (hash ?? []).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
