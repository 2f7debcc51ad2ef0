import Net
import Store
import Synchronization

/// Tells senders what became of their mail. What is owed stands in the store; this pays it whenever
/// somebody says that there is something, and once at the start.
final class Reporter: Sendable {
    private static let patience = Duration.seconds(30)

    private let loops: EventLoops
    private let bell: Doorbell
    private let house = Mutex<House?>(nil)

    init(on loops: EventLoops) {
        self.loops = loops
        // What fails together is told together.
        bell = Doorbell(on: loops, gathering: .milliseconds(300))
    }

    /// From here on there is a desk to hand reports in at; what an earlier process owed comes first.
    func begin(for house: House) {
        self.house.withLock { $0 = house }
        // Where the store takes nothing, the debts can wait.
        bell.answer { await Self.payAll(of: house) ? nil : Self.patience }
        wake()
    }

    /// Something for the postmaster, from somebody who cannot wait for it to be kept.
    func tell(_ notice: PostmasterNotice) {
        guard let house = house.withLock({ $0 }) else { return }
        loops.next().start { await house.tellPostmaster(notice) }
    }

    func wake() { bell.ring() }

    /// Answers whether nothing is left.
    private static func payAll(of house: House) async -> Bool {
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
