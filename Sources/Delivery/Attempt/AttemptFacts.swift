import Net

/// What is kept of an attempt beside the reply: where it led, how private it was, how long it took.
struct AttemptFacts: Sendable, Equatable {
    /// `192.0.2.1:25`.
    var address: String
    /// Nil in the clear.
    var tls: TLSFacts?
    /// The connection had carried other mail before; its opening is told there.
    var isReused = false
    /// The last phase that was come to.
    var phase: Phase
    var timings: PhaseTimings

    /// Members of a JSON object, the same for all recipients of an attempt.
    var members: String {
        var text = "\"address\":\"\(address)\",\"tls\":"
        if let tls {
            text += "{\"version\":\"\(tls.version)\",\"cipher\":\"\(tls.cipher)\""
            text += ",\"verified\":\(tls.peerFingerprint != nil)}"
        } else {
            text += "null"
        }
        if isReused { text += ",\"reused\":true" }
        return text + ",\"phase\":\"\(phase.name)\",\"timings_ms\":" + timings.json
    }
}

extension Conversation {
    func facts(upTo phase: Phase) -> AttemptFacts {
        AttemptFacts(
            address: target.address.description,
            tls: tls,
            isReused: transactions > 1,
            phase: phase,
            timings: stopwatch.timings
        )
    }
}
