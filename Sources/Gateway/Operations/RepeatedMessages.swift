import Mail

/// Which messages were written a moment ago, and how often they would have been again.
struct RepeatedMessages {
    private static let pause: Duration = .seconds(10)

    private var told: [String: (at: Timestamp, others: Int)] = [:]

    /// How many there were since the last that was written; nil where this one is not to be written.
    mutating func note(_ message: String, at now: Timestamp) -> Int? {
        if let last = told[message], last.at <= now, now - last.at < Self.pause {
            told[message]?.others += 1
            return nil
        }
        defer { told[message] = (now, 0) }
        return told[message]?.others ?? 0
    }
}
