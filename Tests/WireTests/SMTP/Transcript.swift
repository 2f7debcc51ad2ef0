import Foundation
import Mail
import Testing
import Wire

/// A conversation as a mail administrator writes it down. See `Tests/Transcripts`.
///
/// `#` a comment, `O:` how the connector is set, `C:` the client's line (CRLF is added), `C-` the
/// client's octets as they are, `S:` the server's line (`*` stands for anything), `S+` the server's
/// reply of any number of lines, of which this is one, `T:` TLS begins, `M:` a line of the mail that
/// was kept, `E:` the server closes. In `C` lines `\n \r \\ \xHH` are escapes.
struct Transcript: Sendable, CustomTestStringConvertible {
    enum Step: Sendable {
        case send([UInt8])
        case expect(String)
        case expectAmong(String)
        case startTLS
        case kept(String)
        case closed
    }

    let name: String
    var options: [String: String] = [:]
    var steps: [Step] = []

    var testDescription: String { name }

    static let all: [Transcript] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Transcripts")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".smtp") }.sorted().compactMap { name in
            guard let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
            else { return nil }
            return Transcript(name: name, text: text)
        }
    }()

    init(name: String, text: String) {
        self.name = name
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let rest = String(line.dropFirst(line.dropFirst(2).first == " " ? 3 : 2))
            switch line.prefix(2) {
            case "O:": note(options: rest)
            case "C:": send(Self.octets(rest) + [13, 10])
            case "C-": send(Self.octets(rest))
            case "S:": steps.append(.expect(rest))
            case "S+": steps.append(.expectAmong(rest))
            case "T:": steps.append(.startTLS)
            case "M:": steps.append(.kept(rest))
            case "E:": steps.append(.closed)
            default: Issue.record("\(name): no such line: \(line)")
            }
        }
    }

    private mutating func note(options line: String) {
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            options[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
    }

    /// Lines in a row are sent at once.
    private mutating func send(_ octets: [UInt8]) {
        if case .send(let before) = steps.last {
            steps[steps.count - 1] = .send(before + octets)
        } else {
            steps.append(.send(octets))
        }
    }

    private static func octets(_ text: String) -> [UInt8] {
        var octets: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                octets.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "n"): octets.append(10)
            case UInt8(ascii: "r"): octets.append(13)
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                octets.append(UInt8(digits, radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: octets.append(escape)
            }
        }
        return octets
    }
}

/// The small rules the transcripts are written for: `corp.example` is ours, `printer` has the
/// password `secret` and may relay, `anyRecipient` lets everybody relay.
struct ScriptedDriver {
    var session: SMTPServerSession
    let refusesAnonymous: Bool
    let takesAnyRecipient: Bool
    private(set) var said: [UInt8] = []
    private(set) var kept: [String] = []
    private(set) var farewell: SMTPFarewell?
    private(set) var wantsTLS = false
    private var content: [UInt8] = []

    init(_ options: [String: String]) {
        var server = SMTPServerOptions(fqdn: "relay.corp.example", peer: "10.1.20.7")
        server.messageSize = Int(options["size"] ?? "1000")
        server.offersStartTLS = ["offered", "required"].contains(options["tls"])
        server.requiresTLS = options["tls"] == "required"
        server.isSecure = options["tls"] == "on"
        server.authMechanisms = (options["auth"] ?? "").split(separator: ",")
            .compactMap { SMTPMechanism(rawValue: $0.uppercased()) }
        server.suppressedKeywords = Set(
            (options["suppress"] ?? "").split(separator: ",").map(String.init)
        )
        server.challengeSeed = 1_896_697_170_952
        server.allowsMailWithoutHello = options["allowWithoutHello"] != nil
        server.maximumProtocolErrors = Int(options["errors"] ?? "5") ?? 5
        refusesAnonymous = options["applications"] != nil
        takesAnyRecipient = options["anyRecipient"] != nil
        session = SMTPServerSession(server, date: "Sun, 22 Nov 2026 11:09:24 +0000")
        drive()
    }

    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        session.receive(bytes.span)
        drive()
    }

    mutating func startTLS() {
        wantsTLS = false
        session.didStartTLS()
        drive()
    }

    /// The next line the server said, without its end.
    mutating func hear() -> String? {
        guard let end = said.firstIndex(of: 10) else { return nil }
        defer { said.removeSubrange(...end) }
        return String(decoding: said[..<end].dropLast(), as: UTF8.self)
    }

    /// The next whole reply, each line as one of a single line would be written.
    mutating func hearReply() -> [String] {
        var lines: [String] = []
        while let line = hear() {
            lines.append(line.prefix(3) + " " + line.dropFirst(4))
            if line.dropFirst(3).first != "-" { break }
        }
        return lines
    }

    mutating func nextKept() -> String? { kept.isEmpty ? nil : kept.removeFirst() }

    private mutating func drive() {
        while let event = session.next() {
            #expect(farewell == nil, "nothing comes after goodbye")
            switch event {
            case .reply(let octets): said += octets
            case .goodbye(let octets, let reason):
                said += octets
                farewell = reason
            case .startTLS: wantsTLS = true
            case .content(let octets): content += octets
            case .contentTooLarge, .reset: content = []
            case .mail, .recipient, .data, .endOfContent, .authenticate: answer(event)
            }
        }
    }

    private mutating func answer(_ event: SMTPServerEvent) {
        #expect(session.next() == nil, "a question holds the session")
        switch event {
        case .mail where refusesAnonymous && !session.isAuthenticated:
            let words =
                "SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
            session.refuse(SMTPReply(530, "5.7.57", words))
        case .recipient(.mailbox(let mailbox), _)
        where mailbox.domain != "corp.example" && !takesAnyRecipient && !session.isAuthenticated:
            let words = "SMTP; Unable to relay recipient in non-accepted domain"
            session.refuse(SMTPReply(550, "5.7.54", words))
        case .authenticate(let given) where !Self.isGood(given):
            session.refuse(.authenticationUnsuccessful)
        case .endOfContent:
            let lines = String(decoding: content, as: UTF8.self)
                .split(separator: "\r\n", omittingEmptySubsequences: false)
            kept += lines.dropLast().map(String.init)
            content = []
            session.accept(
                .queued(messageID: "<1@x>", internalID: "msg_1", hostname: "relay.corp.example")
            )
        default: session.accept()
        }
    }

    /// The digest is the one that RFC 2104 makes of the second challenge and `secret`.
    private static func isGood(_ credentials: SMTPCredentials) -> Bool {
        switch credentials {
        case .password(_, let username, let password):
            (username, password) == ("printer", "secret")
        case .cramMD5(let username, let challenge, let digest):
            username == "printer" && challenge == "<2.1896697170952@relay.corp.example>"
                && digest == "7915fc219db2df01a3589f50436074d5"
        case .plain: false
        }
    }
}
