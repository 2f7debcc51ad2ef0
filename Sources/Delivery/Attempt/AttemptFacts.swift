import Net

/// What is kept of an attempt beside the reply: where it led, how private it was, how long it took.
struct AttemptFacts: Sendable, Equatable {
    /// `192.0.2.1:25`.
    var address: String
    /// Nil in the clear.
    var tls: TLSFacts?
    /// By what the host was known where that was not the route's doing.
    var proof: Privacy.Proof?
    /// The connection had carried other mail before; its opening is told there.
    var isReused = false
    /// The last phase that was come to; what was pipelined goes on behind a refusal.
    var phase: Phase
    var timings: PhaseTimings

    /// Members of a JSON object, the same for all recipients of an attempt.
    var members: String {
        var text = "\"address\":\"\(address)\",\"tls\":"
        if let tls {
            text += "{\"version\":\"\(tls.version)\",\"cipher\":\"\(tls.cipher)\""
            text += ",\"verified\":\(tls.isVerified)"
            if let proof { text += ",\"by\":\"\(proof.rawValue)\"" }
            text += "}"
        } else {
            text += "null"
        }
        if isReused { text += ",\"reused\":true" }
        return text + ",\"reached\":\"\(phase.name)\",\"timings_ms\":" + timings.json
    }
}

extension Conversation {
    func facts(upTo phase: Phase) -> AttemptFacts {
        AttemptFacts(
            address: target.address.description,
            tls: tls,
            proof: tls == nil ? nil : proof,
            isReused: transactions > 1,
            phase: phase,
            timings: stopwatch.timings
        )
    }
}
