import Net
import Synchronization

/// A next hop that takes every mail and counts it, and with a journal syncs it before its 250.
final class Sink: Sendable {
    private let listener: Listener
    private let arrivals: Arrivals

    init(on loops: EventLoops, journal: SyncedJournal? = nil) throws(Invalid) {
        let arrivals = Arrivals(journal)
        self.arrivals = arrivals
        listener = try FreePorts.listener()
        listener.start(on: loops) { await arrivals.serve($0) }
    }

    var address: SocketAddress { listener.local }
    var count: Int { arrivals.count.load(ordering: .relaxed) }

    func close() { listener.stop() }
}

private final class Arrivals: Sendable {
    let count = Atomic(0)
    private let journal: SyncedJournal?

    init(_ journal: SyncedJournal?) { self.journal = journal }

    func serve(_ connection: Connection) async {
        var session = SinkSession()
        do throws(StreamError) {
            try await connection.send(SinkSession.greeting, within: .seconds(60))
            while !session.hasQuit {
                let reply = try await connection.receive(within: .seconds(600)) { octets in
                    session.receive(octets)
                }
                guard let reply else { return }
                let mails = session.takeCount()
                if let journal { for _ in 0..<mails { await journal.keep() } }
                count.add(mails, ordering: .relaxed)
                if !reply.isEmpty { try await connection.send(reply, within: .seconds(60)) }
            }
        } catch {
            // The gateway may end a connection when it likes; a mail that is missing is noticed.
        }
    }
}
