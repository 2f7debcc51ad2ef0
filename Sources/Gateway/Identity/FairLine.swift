/// A line before a few places, in which nobody can stand in another's way: the parties take turns
/// (start-time fair queueing), and when the line is full, whoever has most in it gives up his last.
/// Against a crowd of strangers with one each that helps nobody: they make room for a regular.
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
        let isRegular: Bool
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

    mutating func enter(
        _ ticket: Ticket,
        from source: LogonSource,
        isRegular: Bool
    ) -> Entry {
        let party = source.party
        if running < places {
            running += 1
            turn = takeTurn(of: party)
            return .starts
        }
        var displaced: Ticket?
        if waiting.count >= room {
            displaced = displace(for: party, isRegular: isRegular)
            if displaced == nil { return .refused }
        }
        waiting.append(
            Waiter(
                ticket: ticket,
                party: party,
                isRegular: isRegular,
                turn: takeTurn(of: party)
            )
        )
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

    /// The last of the party that has at least two more waiting than this one; of strangers, where a
    /// regular comes, of any party.
    private mutating func displace(for party: LogonSource, isRegular: Bool) -> Ticket? {
        let hasStrangers = waiting.contains { !$0.isRegular }
        let mayGo = { (waiter: Waiter) in !waiter.isRegular || isRegular && !hasStrangers }
        var counts: [LogonSource: Int] = [:]
        for waiter in waiting where mayGo(waiter) { counts[waiter.party, default: 0] += 1 }
        let least = isRegular && hasStrangers ? 1 : counts[party, default: 0] + 2
        guard let largest = counts.values.max(), largest >= least,
            let last = waiting.lastIndex(where: { mayGo($0) && counts[$0.party] == largest })
        else { return nil }
        next[waiting[last].party]? -= Self.length
        return waiting.remove(at: last).ticket
    }
}
