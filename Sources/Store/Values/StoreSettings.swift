/// What an operator may choose about the store.
package struct StoreSettings: Sendable {
    /// With less free disk than this, `keep` and spools are refused as `.full`; outcomes and
    /// operators' orders are still written.
    package var storeFloor: Int
    /// The most messages with an unfinished recipient; beyond, `keep` is refused as `.full`.
    package var queuedMessages: Int
    /// Hears what an operator should know. Called from the store's own threads.
    package var log: @Sendable (StoreNotice) -> Void

    /// For tests: the most pages that the database may have.
    var maximumPages: Int?

    package init(
        storeFloor: Int = 0,
        queuedMessages: Int = 2_000_000,
        log: @escaping @Sendable (StoreNotice) -> Void = { _ in }
    ) {
        self.storeFloor = storeFloor
        self.queuedMessages = queuedMessages
        self.log = log
    }
}

/// What the store tells the log.
package enum StoreNotice: Equatable, Sendable, CustomStringConvertible {
    /// The store was not closed the last time; its pages are being checked.
    case uncleanStop
    case checked(problems: [String])
    /// An I/O error; work is refused until the database could be opened again.
    case failed(String)
    case reopened

    package var description: String {
        switch self {
        case .uncleanStop: "the store was not closed properly; checking it in the background"
        case .checked(let problems) where problems.isEmpty: "the store was checked: no damage"
        case .checked(let problems): "the store is damaged: " + problems.joined(separator: "; ")
        case .failed(let reason): "the store failed and refuses work: " + reason
        case .reopened: "the store was opened again and takes work"
        }
    }
}
