import Mail
import Net
import Store

/// What must be done now and then, for as long as the server runs.
struct Housekeeping: Sendable {
    let gateway: House

    func run() async {
        var round = 0
        while !gateway.isDraining {
            guard await EventLoop.current?.sleep(for: .seconds(5)) ?? false else { return }
            try? await gateway.directory.noteUses()
            try? await gateway.sources.flush()
            round += 1
            if round % 12 == 0 { await sweep() }
        }
    }

    /// Takes out what is past its retention, in small steps that hold up nobody.
    private func sweep() async {
        let now = gateway.clock()
        let retention = gateway.configuration.retention
        try? await gateway.sources.sweep(before: now - retention.history)
        let within = gateway.configuration.suppression?.within ?? .zero
        let wasFreed = try? await gateway.store.sweepSuppressions(
            at: now,
            bouncesBefore: now - within
        )
        if wasFreed == true { try? await gateway.suppressions.reload() }
        try? await gateway.store.sweepWebhooks()
        try? await gateway.store.sweepEvents(before: now - retention.history)
        for _ in 0..<100 {
            let touched = try? await gateway.store.sweep(
                contentBefore: now - retention.content,
                historyBefore: now - retention.history,
                limit: 500
            )
            guard let touched, touched > 0 else { return }
        }
    }
}
