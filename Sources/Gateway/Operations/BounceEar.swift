import Delivery
import Mail
import Net
import Store
import Synchronization

/// Hears from delivery what failed, for the house that is built after it.
final class BounceEar: Sendable {
    private let house = Mutex<(gateway: House, loops: EventLoops)?>(nil)

    func connect(_ gateway: House, _ loops: EventLoops) {
        house.withLock { $0 = (gateway, loops) }
    }

    func hear(_ settled: [SettledRecipient]) {
        guard let (gateway, loops) = house.withLock({ $0 }),
            gateway.configuration.suppression != nil, settled.contains(where: \.isHardBounce)
        else { return }
        loops.next().start { await gateway.noteBounces(among: settled) }
    }
}

extension House {
    /// Counts what bounced hard, where the configuration asks for it.
    func noteBounces(among settled: [SettledRecipient]) async {
        guard let policy = configuration.suppression else { return }
        let bounces = settled.filter(\.isHardBounce).map {
            (address: SuppressionRecord.key(of: $0.mailbox), message: $0.key.message)
        }
        guard !bounces.isEmpty else { return }
        do throws(StoreError) {
            let suppressed = try await store.noteHardBounces(bounces, at: clock(), policy)
            guard !suppressed.isEmpty else { return }
            try await suppressions.reload()
            for address in suppressed { log.warning("address suppressed", ["address": address]) }
        } catch {
            log.warning("bounces are not counted", ["reason": "\(error)"])
        }
    }
}

extension SettledRecipient {
    /// To send to that address again would be in vain.
    var isHardBounce: Bool {
        guard status == .failed, let reply else { return false }
        return BounceClass.isHardBounce(
            code: reply.code,
            enhanced: reply.enhanced,
            text: reply.text
        )
    }
}
