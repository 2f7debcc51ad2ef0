import Net
import Store
import Synchronization

/// Tells senders what became of their mail. What is owed stands in the store; this pays it whenever
/// somebody says that there is something, and once at the start.
final class Reporter: Sendable {
    private struct State {
        var house: House?
        var isAtWork = false
        var isAskedAgain = false
    }

    /// What fails together is told together: so long is waited for more.
    private static let gathering = Duration.milliseconds(300)
    private static let patience = Duration.seconds(30)

    private let loops: EventLoops
    private let state = Mutex(State())

    init(on loops: EventLoops) {
        self.loops = loops
    }

    /// From here on there is a desk to hand reports in at; what an earlier process owed comes first.
    func begin(for house: House) {
        state.withLock { $0.house = house }
        wake()
    }

    /// Something for the postmaster, from somebody who cannot wait for it to be kept.
    func tell(_ notice: PostmasterNotice) {
        guard let house = state.withLock({ $0.house }) else { return }
        loops.next().start { await house.tellPostmaster(notice) }
    }

    func wake() {
        let house = state.withLock { state -> House? in
            guard let house = state.house else { return nil }
            state.isAskedAgain = state.isAtWork
            guard !state.isAtWork else { return nil }
            state.isAtWork = true
            return house
        }
        if let house { loops.next().start { await self.work(for: house) } }
    }

    private func work(for house: House) async {
        var wait = Self.gathering
        repeat {
            guard await EventLoop.current?.sleep(for: wait) ?? false, !house.isDraining else {
                return
            }
            let isPaid = await payAll(of: house)
            // Where the store takes nothing, the debts can wait.
            wait = isPaid ? Self.gathering : Self.patience
            if !isPaid { state.withLock { $0.isAskedAgain = true } }
        } while !rest()
    }

    /// False when somebody has asked meanwhile.
    private func rest() -> Bool {
        state.withLock { state in
            defer { state.isAskedAgain = false }
            state.isAtWork = state.isAskedAgain
            return !state.isAskedAgain
        }
    }

    /// Answers whether nothing is left.
    private func payAll(of house: House) async -> Bool {
        do throws(StoreError) {
            while !house.isDraining {
                let debts = try await house.store.reportDebts(limit: 500)
                guard !debts.isEmpty else { return true }
                for message in debts.byMessage {
                    try await ReportPayment(message, house).pay()
                }
            }
            return true
        } catch {
            house.log.warning("reports wait", ["reason": "\(error)"])
            return false
        }
    }
}

extension [ReportDebt] {
    /// They come in the order of their messages.
    fileprivate var byMessage: [[ReportDebt]] {
        reduce(into: []) { groups, debt in
            if groups.last?.first?.id == debt.id {
                groups[groups.count - 1].append(debt)
            } else {
                groups.append([debt])
            }
        }
    }
}
