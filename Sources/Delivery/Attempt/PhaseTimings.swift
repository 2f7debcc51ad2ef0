/// How long each phase of an attempt took; phases that never came have none.
struct PhaseTimings: Sendable, Equatable {
    /// In tenths of a millisecond, one more than it took: 0 is no time at all.
    private var ticks = SIMD16<UInt32>(repeating: 0)

    subscript(phase: Phase) -> Duration? {
        let tick = ticks[phase.place]
        return tick == 0 ? nil : .microseconds(Int64(tick - 1) * 100)
    }

    /// A phase may come more than once: RCPT does for each recipient.
    mutating func add(_ time: Duration, to phase: Phase) {
        let (seconds, atto) = time.components
        let tenths = max(0, min(seconds, 400_000)) * 10_000 + atto / 100_000_000_000_000
        ticks[phase.place] = max(1, ticks[phase.place]) &+ UInt32(clamping: tenths)
    }

    /// `{"connect":0.4,"mail":12}`, in milliseconds.
    var json: String {
        var text = "{"
        for phase in Phase.allCases {
            let tick = ticks[phase.place]
            guard tick > 0 else { continue }
            let (whole, tenth) = (tick - 1).quotientAndRemainder(dividingBy: 10)
            if text.utf8.count > 1 { text += "," }
            text += "\"\(phase.name)\":\(whole)"
            if tenth > 0 { text += ".\(tenth)" }
        }
        return text + "}"
    }
}

/// Measures phases one after the other.
struct Stopwatch: Sendable {
    private(set) var timings = PhaseTimings()
    private var mark = ContinuousClock.now

    /// What has passed since the last lap belongs to this phase.
    mutating func lap(_ phase: Phase) {
        let now = ContinuousClock.now
        timings.add(now - mark, to: phase)
        mark = now
    }
}

extension Phase {
    /// The word that users read.
    var name: String {
        switch self {
        case .resolve: "resolve"
        case .connect: "connect"
        case .greeting: "greeting"
        case .hello: "hello"
        case .startTLS: "starttls"
        case .handshake: "tls"
        case .authentication: "auth"
        case .mail: "mail"
        case .recipient: "rcpt"
        case .data: "data"
        case .content: "content"
        case .afterContent: "dot"
        }
    }

    fileprivate var place: Int {
        switch self {
        case .resolve: 0
        case .connect: 1
        case .greeting: 2
        case .hello: 3
        case .startTLS: 4
        case .handshake: 5
        case .authentication: 6
        case .mail: 7
        case .recipient: 8
        case .data: 9
        case .content: 10
        case .afterContent: 11
        }
    }
}
