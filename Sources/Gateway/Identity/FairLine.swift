import Mail

/// Who asks for a logon: an address, or a user of this machine.
enum LogonSource: Hashable, Sendable {
    case address(IPAddress)
    case localUser(UInt32)

    /// Those that share one turn: an IPv6 host has as many addresses as it likes of its /64.
    fileprivate var party: LogonSource {
        guard case .address(let address) = self, address.family == .v6 else { return self }
        return .address(IPAddress(v6: address.value & ~UInt128(UInt64.max)))
    }
}

extension LogonSource: CustomStringConvertible {
    var description: String {
        switch self {
        case .address(let address): address.description
        case .localUser(let uid): "uid \(uid)"
        }
    }
}

/// A line before a few places, in which nobody can stand in another's way: the parties take turns
/// (start-time fair queueing), and when the line is full, whoever has most in it gives up his last.
struct FairLine<Ticket> {
    enum Entry {
        case starts
        case waits
        /// Waits in the place of this one, which must go.
        case displaces(Ticket)
        case refused
    }

    private struct Waiter {
        let ticket: Ticket
        let party: LogonSource
        /// The smallest is served next, of equals the one that came first.
        let turn: Int
    }

    private let places: Int
    private let room: Int
    private var running = 0
    private var waiting: [Waiter] = []
    /// Of a turn.
    private static var length: Int { 2 }
    /// Where the turns are: at that of whoever was served last.
    private var turn = 0
    /// Where a party's next turn begins, if that lies ahead.
    private var next: [LogonSource: Int] = [:]

    init(places: Int, room: Int) {
        self.places = places
        self.room = room
    }

    mutating func enter(_ ticket: Ticket, from source: LogonSource) -> Entry {
        let party = source.party
        if running < places {
            running += 1
            turn = takeTurn(of: party)
            return .starts
        }
        var displaced: Ticket?
        if waiting.count >= room {
            displaced = displace(for: party)
            if displaced == nil { return .refused }
        }
        waiting.append(Waiter(ticket: ticket, party: party, turn: takeTurn(of: party)))
        return displaced.map { .displaces($0) } ?? .waits
    }

    /// A place is free: who takes it.
    mutating func leave() -> Ticket? {
        guard let first = waiting.indices.min(by: { waiting[$0].turn < waiting[$1].turn }) else {
            running -= 1
            return nil
        }
        let waiter = waiting.remove(at: first)
        // Time goes on even where everyone served is new: a stream of newcomers would else be served
        // before those who wait for their second turn, for ever.
        turn = max(turn + 1, waiter.turn)
        return waiter.ticket
    }

    private mutating func takeTurn(of party: LogonSource) -> Int {
        if next.count > 4 * room { next = next.filter { $0.value > turn } }
        let own = max(turn, next[party] ?? 0)
        next[party] = own + Self.length
        return own
    }

    /// The last of the party that has at least two more waiting than this one.
    private mutating func displace(for party: LogonSource) -> Ticket? {
        var counts: [LogonSource: Int] = [:]
        for waiter in waiting { counts[waiter.party, default: 0] += 1 }
        guard let largest = counts.values.max(), largest > counts[party, default: 0] + 1,
            let last = waiting.lastIndex(where: { counts[$0.party] == largest })
        else { return nil }
        next[waiting[last].party]? -= Self.length
        return waiting.remove(at: last).ticket
    }
}
