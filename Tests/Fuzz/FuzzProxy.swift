import Mail
import Wire

/// The header of a balancer: what is read, and what stands behind it, do not depend on the cuts.
func feedProxy(_ octets: [UInt8], _ cuts: Cuts) {
    let whole = read(octets.map { [$0] })
    let cut = read(cuts.pieces(of: octets))
    demand(whole.outcome == cut.outcome, "a header does not depend on the cuts")
    demand(whole.rest == cut.rest, "nothing behind a header is lost")
    if case .success(nil) = whole.outcome { demand(whole.rest == octets, "nothing is taken early") }
}

/// `rest` with everything that was not fed any more.
private func read(
    _ pieces: [[UInt8]]
) -> (outcome: Result<ProxyHeader?, ProxyHeaderError>, rest: [UInt8]) {
    var reader = ProxyHeaderReader()
    for (index, piece) in pieces.enumerated() {
        reader.receive(piece.span)
        let outcome = Result { () throws(ProxyHeaderError) in try reader.next() }
        if case .success(nil) = outcome { continue }
        return (outcome, reader.rest + pieces[(index + 1)...].joined())
    }
    return (.success(nil), reader.rest)
}
