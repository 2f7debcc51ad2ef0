import Mail
import Policy
import Store
import Synchronization

/// The addresses to which nothing is sent, in memory as the store has them. Where there are none, mail
/// passes without a look.
final class SuppressionList: Sendable {
    private struct State {
        /// With their end.
        var addresses: [String: Timestamp?] = [:]
        /// Counts the readings that were begun; of two at once the later counts.
        var begun = 0
        var shown = 0

        func holds(_ mailbox: Mailbox, at now: Timestamp) -> Bool {
            guard let end = addresses[SuppressionRecord.key(of: mailbox)] else { return false }
            return end ?? .distantFuture > now
        }
    }

    private let store: MailStore
    private let state = Mutex(State())
    private let isEmpty = Atomic<Bool>(true)

    init(_ store: MailStore) {
        self.store = store
    }

    func reload() async throws(StoreError) {
        let number = state.withLock { state in
            state.begun += 1
            return state.begun
        }
        var addresses: [String: Timestamp?] = [:]
        var page: [SuppressionRecord] = []
        repeat {
            page = try await store.suppressions(after: page.last?.address ?? "", limit: 1000)
            for record in page { addresses[record.address] = .some(record.expiresAt) }
        } while page.count == 1000
        state.withLock { state in
            guard state.shown < number else { return }
            state.shown = number
            state.addresses = addresses
            isEmpty.store(addresses.isEmpty, ordering: .releasing)
        }
    }

    /// The places of those among the recipients who get nothing.
    func places(in recipients: [RoutedRecipient], at now: Timestamp) -> Set<Int> {
        if isEmpty.load(ordering: .acquiring) { return [] }
        return state.withLock { state in
            var places: Set<Int> = []
            for (place, recipient) in recipients.enumerated() {
                if state.holds(recipient.mailbox, at: now) { places.insert(place) }
            }
            return places
        }
    }

    func holds(_ mailbox: Mailbox, at now: Timestamp) -> Bool {
        if isEmpty.load(ordering: .acquiring) { return false }
        return state.withLock { $0.holds(mailbox, at: now) }
    }
}

extension Timestamp {
    fileprivate static let distantFuture = Timestamp(milliseconds: .max)
}
