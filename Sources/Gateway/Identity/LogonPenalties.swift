import Crypto
import Mail
import Synchronization

/// How a source stands after its failed logons. What one source does touches no other.
enum LogonStanding: Equatable, Sendable {
    case good
    /// Its next logon is to wait first.
    case suspect
    /// Its logons are not judged until then.
    case shutOut(until: Timestamp)
}

/// Counts failed logons by their source, in a bucket that leaks: who mistypes is forgiven in a
/// minute, and a device that repeats one wrong password now and then never fills it, so that it does
/// not shut out its neighbours behind the same address.
final class LogonPenalties: Sendable {
    private static let newGuess = 3
    private static let sameGuess = 2
    private static let leak: Duration = .seconds(10)
    /// Five quick guesses.
    private static let suspicion = 15
    /// Twelve quick guesses.
    private static let limit = 36
    static let exclusion: Duration = .seconds(300)

    private struct Account {
        var points = 0
        var at: Timestamp
        var shutUntil: Timestamp?
        /// What was tried last, as hashes under a key of this process.
        var guesses: [UInt64] = []

        mutating func settle(at now: Timestamp) {
            if let end = shutUntil, now >= end || end - now > LogonPenalties.exclusion {
                shutUntil = nil
                points = LogonPenalties.suspicion
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

    func standing(of source: LogonSource, at now: Timestamp) -> LogonStanding {
        accounts.withLock { accounts in
            guard var account = accounts[source] else { return .good }
            account.settle(at: now)
            accounts[source] = account
            if let end = account.shutUntil { return .shutOut(until: end) }
            return account.points >= Self.suspicion ? .suspect : .good
        }
    }

    /// Notes a failure. `guess` is what was tried; it is not kept. True when this one shuts the source
    /// out.
    func fail(_ source: LogonSource, guess: String, at now: Timestamp) -> Bool {
        let mark = mark(of: guess)
        return accounts.withLock { accounts in
            var account = accounts[source] ?? Account(at: now)
            account.settle(at: now)
            account.points +=
                account.guesses.contains(mark) ? Self.sameGuess : Self.newGuess
            account.guesses = (account.guesses.filter { $0 != mark } + [mark]).suffix(8)
            let isNew = account.shutUntil == nil && account.points >= Self.limit
            if isNew { account.shutUntil = now + Self.exclusion }
            accounts[source] = account
            if accounts.count > capacity { Self.shrink(&accounts, to: capacity, at: now) }
            return isNew
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
