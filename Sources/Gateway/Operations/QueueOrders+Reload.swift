import Delivery
import Mail
import Policy
import Store

/// Mail that waits follows a corrected configuration.
extension QueueOrders {
    /// Routes that are configured otherwise now are tried at once; whose route is gone, or was chosen
    /// by rules that choose another one now, is sent there. `old`: nil at the start of a server.
    func follow(
        _ new: Configuration,
        after old: Configuration?,
        _ directory: Directory,
        _ log: Log
    ) async {
        do throws(StoreError) {
            let moved = try await move(Rerouting(from: old, to: new, directory))
            if moved > 0 { try await tell(moved, log) }
            for name in new.routes.changed(since: old?.routes ?? new.routes) {
                let filter = QueueFilter(route: name, status: .deferred)
                _ = try await carryOut(.retry, matching: filter, by: "reload")
            }
        } catch {
            log.warning("queued mail keeps its routes", ["reason": "\(error)"])
        }
    }

    private func move(_ rerouting: Rerouting?) async throws(StoreError) -> Int {
        guard var rerouting else { return 0 }
        var (count, cursor) = (0, PendingCursor?.none)
        repeat {
            let page = try await store.pending(after: cursor, limit: Self.step, withHeld: true)
            var moves: [String: [RecipientKey]] = [:]
            for entry in page.entries {
                if let route = rerouting.newRoute(of: entry) {
                    moves[route, default: []].append(entry.key)
                }
            }
            for (route, keys) in moves {
                let sorted = keys.sorted { ($0.message, $0.index) < ($1.message, $1.index) }
                count += try await carryOut(.reroute(to: route), on: sorted, by: "reload").keys
                    .count
            }
            cursor = page.next
        } while cursor != nil
        return count
    }

    private func tell(_ count: Int, _ log: Log) async throws(StoreError) {
        log.info("queued mail has other routes", ["count": "\(count)"])
        try await note("rerouted", of: count, by: "reload")
    }
}

/// Where waiting mail goes by new rules.
private struct Rerouting {
    /// All that the choice of a route depends on.
    private struct Case: Hashable {
        let route: String
        let domain: String
        let connector: String
        let application: ApplicationID?
        /// 0 where no route has a limit.
        let octets: Int
    }

    private let old: Rulebook?
    private let new: Rulebook
    private let names: Set<String>
    private let hasLimits: Bool
    private let applicants: [ApplicationID: Applicant]
    private var answers: [Case: String?] = [:]

    /// Nil where all mail keeps its route.
    init?(from old: Configuration?, to new: Configuration, _ directory: Directory) {
        if let old, old.rulebook.sendConnectors == new.rulebook.sendConnectors { return nil }
        self.old = old?.rulebook
        self.new = new.rulebook
        names = Set(new.routes.map(\.name))
        let connectors = new.rulebook.sendConnectors + (old?.rulebook.sendConnectors ?? [])
        hasLimits = connectors.contains { $0.messageSize != nil }
        applicants = Dictionary(directory.applications.map { ($0.id, $0.applicant) }) { $1 }
    }

    /// Nil where it stays.
    mutating func newRoute(of entry: QueueEntry) -> String? {
        let octets = hasLimits ? max(0, entry.octets - Received.allowance) : 0
        let question = Case(
            route: entry.route,
            domain: entry.mailbox.domain,
            connector: entry.connector,
            application: entry.application,
            octets: octets
        )
        if let known = answers[question] { return known }
        // Sizes make as many cases as there are messages.
        if answers.count > 10_000 { answers = [:] }
        let answer = decide(question)
        answers[question] = .some(answer)
        return answer
    }

    private func decide(_ question: Case) -> String? {
        guard let chosen = choice(of: new, question), chosen != question.route else { return nil }
        guard names.contains(question.route) else { return chosen }
        // An operator or a failover chose another route than the rules did: that choice stays.
        guard let old, choice(of: old, question) == question.route else { return nil }
        return chosen
    }

    private func choice(of rulebook: Rulebook, _ question: Case) -> String? {
        let found = rulebook.route(
            to: question.domain,
            from: client(question),
            octets: question.octets
        )
        return try? found.get().name
    }

    private func client(_ question: Case) -> Client {
        let isOwn =
            question.application == nil && question.connector == Client.postern.connector.name
        if isOwn { return .postern }
        let principal: Principal =
            if let id = question.application {
                .application(applicants[id] ?? Applicant(id: id, name: "", mayRelay: true))
            } else {
                .anonymous
            }
        return Client(
            connector: ReceiveConnector(name: question.connector, door: .smtp, bindings: []),
            peer: .loopback,
            principal: principal,
            isSecure: false
        )
    }
}

extension [Route] {
    /// The names of those that are new or not as they were.
    fileprivate func changed(since old: [Route]) -> [String] {
        let before = Dictionary(old.map { ($0.name, $0) }) { $1 }
        return filter { before[$0.name] != $0 }.map(\.name)
    }
}
