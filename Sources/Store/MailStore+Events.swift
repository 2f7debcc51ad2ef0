package import Mail
import Synchronization

extension MailStore {
    /// A part of the event log. With a filter that fits few it may be empty though more follows.
    package func eventPage(_ query: EventQuery) async throws(StoreError) -> EventPage {
        try await read { database throws(StoreError) in try database.eventPage(query) }
    }

    /// The number of the newest event that is on disk.
    package var newestEvent: Int64 { writer.tally.newestEvent.load(ordering: .acquiring) }

    /// Writes down what concerns no message: an administrator's act. `detail`: a JSON object.
    package func note(_ type: String, detail: String?, at now: Timestamp) async throws(StoreError) {
        try await write { rows throws(StoreError) in
            try rows.insertEvent(type, at: now, message: nil, detail: detail)
        }
    }

    /// Forgets such events made before that moment.
    package func sweepEvents(before moment: Timestamp) async throws(StoreError) {
        while try await write({ rows throws(StoreError) in
            try rows.removeEvents(before: moment, limit: 500)
        }) == 500 {}
    }
}
