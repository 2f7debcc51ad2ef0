import Delivery
import Mail
import Net
import Store

/// What must be done now and then, for as long as the server runs.
struct Housekeeping: Sendable {
    let gateway: House
    let reporter: Reporter

    func run() async {
        var round = 0
        while !gateway.isDraining {
            guard await EventLoop.current?.sleep(for: .seconds(5)) ?? false else { return }
            try? await gateway.directory.noteUses()
            try? await gateway.sources.flush()
            await gateway.orders.failOver(
                by: gateway.configuration.rulebook,
                gateway.directory,
                gateway.log
            )
            round += 1
            if round % 12 == 0 { await sweep() }
            if round % 12 == 1 { await watchDisk() }
            if round % 720 == 1 { await watchCertificates() }
            let isHasty = gateway.configuration.delivery.delayNotice < .seconds(600)
            if isHasty || round % 12 == 0 { await noticeDelays() }
        }
    }

    /// Mail that waits longer than its sender would think is told to the sender, and to the postmaster.
    private func noticeDelays() async {
        let delivery = gateway.configuration.delivery
        guard delivery.notifySender, delivery.delayNotice > .zero else { return }
        let now = gateway.clock()
        let count = try? await gateway.store.noteDelays(until: now - delivery.delayNotice, at: now)
        guard let count, count > 0 else { return }
        reporter.wake()
        await gateway.tellPostmaster(.oldMail(count, after: delivery.delayNotice))
    }

    /// Takes out what is past its retention, in small steps that hold up nobody.
    private func sweep() async {
        let now = gateway.clock()
        let retention = gateway.configuration.retention
        let content = Configuration.Retention.limit(of: retention.content, at: now)
        let history = Configuration.Retention.limit(of: retention.history, at: now)
        try? await gateway.sources.sweep(before: history)
        let within = gateway.configuration.suppression?.within ?? .zero
        let wasFreed = try? await gateway.store.sweepSuppressions(
            at: now,
            bouncesBefore: now - within
        )
        if wasFreed == true { try? await gateway.suppressions.reload() }
        try? await gateway.store.sweepWebhooks()
        try? await gateway.store.sweepEvents(before: history)
        for _ in 0..<100 {
            let touched = try? await gateway.store.sweep(
                contentBefore: content,
                historyBefore: history,
                limit: 500
            )
            guard let touched, touched > 0 else { return }
        }
    }
}
