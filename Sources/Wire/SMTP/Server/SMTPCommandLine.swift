/// The commands a server knows.
enum SMTPVerb: String {
    case ehlo = "EHLO"
    case helo = "HELO"
    case startTLS = "STARTTLS"
    case auth = "AUTH"
    case mail = "MAIL"
    case rcpt = "RCPT"
    case data = "DATA"
    case bdat = "BDAT"
    case rset = "RSET"
    case noop = "NOOP"
    case quit = "QUIT"
    case vrfy = "VRFY"
    case expn = "EXPN"
    case help = "HELP"

    var isGreeting: Bool { self == .ehlo || self == .helo }

    /// Where TLS is demanded, these come before it.
    var isAllowedWithoutTLS: Bool {
        switch self {
        case .ehlo, .helo, .startTLS, .noop, .rset, .quit: true
        case .auth, .mail, .rcpt, .data, .bdat, .vrfy, .expn, .help: false
        }
    }
}

/// A command line, told apart into its verb (in any case) and what follows.
struct SMTPCommandLine {
    /// Nil for a word that is no command.
    let verb: SMTPVerb?
    /// Without the blanks around it.
    let argument: ArraySlice<UInt8>
    private let line: [UInt8]

    init(_ line: [UInt8]) {
        self.line = line
        let word = line.prefix { !$0.isBlank }
        verb =
            word.count > 8
            ? nil
            : SMTPVerb(rawValue: String(decoding: word.map(\.uppercasedLetter), as: UTF8.self))
        argument = line[word.endIndex...].withoutBlanks
    }

    var hasControls: Bool { line.contains { $0 < 32 && $0 != 9 || $0 == 127 } }
}

extension UInt8 {
    @inline(__always) var isBlank: Bool { self == 32 || self == 9 }
}

extension ArraySlice<UInt8> {
    var withoutBlanks: ArraySlice<UInt8> {
        let start = drop { $0.isBlank }
        guard let last = start.lastIndex(where: { !$0.isBlank }) else { return [] }
        return start[...last]
    }
}
