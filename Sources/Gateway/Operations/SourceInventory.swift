import Mail
import Policy
import Store
import Synchronization

/// Who uses which door: gathered in memory, written to the store every few seconds.
final class SourceInventory: Sendable {
    /// More sources than this between two writings are not told apart from the rest: a flood of
    /// addresses must not fill the memory.
    private static let most = 20_000
    /// How many the store remembers.
    private static let mostKept = 200_000

    private let store: MailStore
    private let pending = Mutex<[SourceSighting.Key: SourceSighting]>([:])

    init(_ store: MailStore) {
        self.store = store
    }

    func note(_ sighting: SourceSighting, of client: Client) {
        let application: ApplicationID? =
            if case .application(let applicant) = client.principal { applicant.id } else { nil }
        let key = SourceSighting.Key(
            address: client.peer,
            connector: client.connector.name,
            application: application
        )
        pending.withLock { pending in
            if let index = pending.index(forKey: key) {
                pending.values[index].add(sighting)
            } else if pending.count < Self.most {
                pending[key] = sighting
            }
        }
    }

    /// Afterwards the store knows all that was noted before.
    func flush() async throws(StoreError) {
        let sightings = pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
        guard !sightings.isEmpty else { return }
        do throws(StoreError) {
            try await store.noteSources(sightings.map { ($0.key, $0.value) })
        } catch {
            putBack(sightings)
            throw error
        }
    }

    private func putBack(_ sightings: [SourceSighting.Key: SourceSighting]) {
        pending.withLock { pending in
            let later = pending
            pending = sightings
            for (key, sighting) in later {
                if pending[key]?.add(sighting) == nil, pending.count < Self.most {
                    pending[key] = sighting
                }
            }
        }
    }

    func sweep(before moment: Timestamp) async throws(StoreError) {
        try await store.sweepSources(before: moment, most: Self.mostKept)
    }
}
