import Wire

/// The session: its commands and its content.
func feedSMTP(_ octets: [UInt8], _ cuts: Cuts) {
    guard let options = octets.first else { return }
    let rest = Array(octets.dropFirst())
    var whole = Door(options)
    whole.hear(rest, .whole)
    var cut = Door(options)
    cut.hear(rest, cuts)
    demand(whole.said == cut.said, "replies do not depend on the cuts")
    demand(whole.kept == cut.kept, "content does not depend on the cuts")
    demand(repliesAreWellFormed(whole.said), "a reply is lines of code, text and CRLF")
}

/// A driver that says yes to most and no to some, by what it is asked and not by when.
private struct Door {
    private var session: SMTPServerSession
    private(set) var said: [UInt8] = []
    private(set) var kept: [[UInt8]] = []
    private var content: [UInt8] = []
    private var isOver = false
    private var questions = 0
    private var isBinary = false

    init(_ bits: UInt8) {
        var options = SMTPServerOptions(fqdn: "relay.example", peer: "192.0.2.7")
        options.offersStartTLS = bits & 1 != 0
        options.requiresTLS = bits & 2 != 0
        options.isSecure = bits & 4 != 0
        options.authMechanisms = bits & 8 != 0 ? SMTPMechanism.allCases : []
        options.allowsMailWithoutHello = bits & 16 != 0
        options.messageSize = bits & 32 != 0 ? 40 : nil
        options.maximumProtocolErrors = bits & 64 != 0 ? 0 : 5
        options.defaultDomain = bits & 128 != 0 ? "example" : nil
        session = SMTPServerSession(options, date: "Sun, 22 Nov 2026 11:09:24 +0000")
    }

    mutating func hear(_ octets: [UInt8], _ cuts: Cuts) {
        answer()
        for piece in cuts.pieces(of: octets) where !isOver {
            session.receive(piece.span)
            answer()
        }
    }

    private mutating func answer() {
        while let event = session.next() {
            demand(!isOver, "nothing comes after goodbye")
            switch event {
            case .reply(let octets): said += octets
            case .goodbye(let octets, _):
                said += octets
                isOver = true
            case .startTLS:
                // What follows in the clear is thrown away, and how much of it is here is the network's.
                isOver = true
                return
            case .content(let octets): content += octets
            case .contentTooLarge, .reset: content = []
            case .mail, .recipient, .data, .endOfContent, .authenticate: judge(event)
            }
        }
    }

    private mutating func judge(_ event: SMTPServerEvent) {
        questions += 1
        if case .mail(_, let parameters) = event { isBinary = parameters.body == .binaryMIME }
        if case .endOfContent = event {
            let isSound = isBinary || linesEndInPairs(content)
            demand(isSound, "content of lines has no bare CR and no bare LF")
            kept.append(content)
            content = []
        }
        if questions.isMultiple(of: 5) {
            session.refuse(SMTPReply(550, "5.7.1", "no"))
        } else {
            session.accept()
        }
    }

    private func linesEndInPairs(_ octets: [UInt8]) -> Bool {
        var before: UInt8 = 0
        for octet in octets {
            if octet == 10, before != 13 { return false }
            if before == 13, octet != 10 { return false }
            before = octet
        }
        return before != 13
    }
}

private func repliesAreWellFormed(_ octets: [UInt8]) -> Bool {
    var rest = octets[...]
    while !rest.isEmpty {
        guard let end = rest.firstIndex(of: 10) else { return false }
        let line = rest[...end]
        guard line.count >= 6, line.dropLast().last == 13,
            line.prefix(3).allSatisfy({ 48...57 ~= $0 }),
            line.dropFirst(3).first == 32 || line.dropFirst(3).first == 45
        else { return false }
        rest = rest[(end + 1)...]
    }
    return true
}
