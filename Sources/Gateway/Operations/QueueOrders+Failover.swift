import Delivery
import Mail
import Policy
import Store

/// Mail of a route that cannot be used goes by another of the same address space, the next by cost.
extension QueueOrders {
    /// So many recipients at a time: the next round is soon.
    private static let most = 5000

    /// Answers how many recipients have another route now.
    @discardableResult
    func failOver(by rulebook: Rulebook, _ directory: Directory, _ log: Log) async -> Int {
        guard rulebook.sendConnectors.count > 1, let states = dispatcher?.snapshot() else {
            return 0
        }
        let unwell = Set(
            states.filter { $0.isUnwell || $0.suspension != nil || !$0.isConfigured }.map(\.name)
        )
        let failing = states.filter {
            // Where nothing waits, the whole queue is not looked through for it.
            $0.isUnwell && ($0.waiting > 0 || !$0.holdsAll)
                && rulebook.mayHaveSubstitute($0.name, without: unwell)
        }
        guard !failing.isEmpty else { return 0 }
        var search = Substitution(
            rulebook: rulebook,
            failing: Set(failing.map(\.name)),
            unusable: unwell,
            applicants: Dictionary(directory.applications.map { ($0.id, $0.applicant) }) { $1 }
        )
        do throws(StoreError) {
            let count = try await move(&search)
            if count > 0 { log.info("mail fails over", ["count": "\(count)"]) }
            return count
        } catch {
            log.warning("mail cannot fail over", ["reason": "\(error)"])
            return 0
        }
    }

    private func move(_ search: inout Substitution) async throws(StoreError) -> Int {
        var (count, cursor) = (0, PendingCursor?.none)
        repeat {
            let page = try await store.pending(after: cursor, limit: Self.step)
            var moves: [String: [RecipientKey]] = [:]
            for entry in page.entries {
                if let route = search.route(for: entry) {
                    moves[route, default: []].append(entry.key)
                }
            }
            for (route, keys) in moves {
                let sorted = keys.sorted { ($0.message, $0.index) < ($1.message, $1.index) }
                count += try await carryOut(.reroute(to: route), on: sorted, by: "failover").keys
                    .count
            }
            cursor = page.next
        } while cursor != nil && count < Self.most
        return count
    }
}

/// Finds for waiting mail the route that takes its own's place.
private struct Substitution {
    let rulebook: Rulebook
    let failing: Set<String>
    let unusable: Set<String>
    let applicants: [ApplicationID: Applicant]

    func route(for entry: QueueEntry) -> String? {
        // What may have arrived does not go a second way by itself.
        guard failing.contains(entry.route), [.queued, .deferred].contains(entry.status) else {
            return nil
        }
        let principal: Principal =
            if let id = entry.application {
                .application(applicants[id] ?? Applicant(id: id, name: "", mayRelay: true))
            } else {
                .anonymous
            }
        let client = Client(
            connector: ReceiveConnector(name: entry.connector, door: .smtp, bindings: []),
            peer: .loopback,
            principal: principal,
            isSecure: false
        )
        return rulebook.substitute(
            for: entry.route,
            to: entry.mailbox.domain,
            from: client,
            octets: max(0, entry.octets - Received.allowance),
            without: unusable
        )
    }
}
