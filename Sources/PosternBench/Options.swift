/// What the command line asks for.
struct Options {
    enum Part: String, CaseIterable {
        case http
        case get
        case smtp
        case relay
        case routes
        case queue
        case memory
        case raw
    }

    private(set) var parts = Part.allCases
    private(set) var seconds = 4
    private(set) var runs = 3
    private(set) var queued = 1_000_000
    private(set) var directory: String?
    private(set) var measuresPeers = true
    private(set) var wantsHelp = false

    init(_ arguments: [String]) throws(Invalid) {
        var rest = arguments[...]
        var named: [Part] = []
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": wantsHelp = true
            case "--seconds": seconds = try Self.number(of: word, in: 1...600, &rest)
            case "--runs": runs = try Self.number(of: word, in: 1...99, &rest)
            case "--queued": queued = try Self.number(of: word, in: 1000...1_900_000, &rest)
            case "--directory": directory = try Self.value(of: word, &rest)
            case "--no-peers": measuresPeers = false
            case "all": named = Part.allCases
            default:
                guard let part = Part(rawValue: word) else {
                    throw Invalid("\(word) is unknown; --help tells what there is")
                }
                named.append(part)
            }
        }
        if !named.isEmpty { parts = named }
    }

    private static func value(
        of option: String,
        _ rest: inout ArraySlice<String>
    ) throws(Invalid) -> String {
        guard let value = rest.popFirst() else { throw Invalid("\(option) needs a value") }
        return value
    }

    private static func number(
        of option: String,
        in range: ClosedRange<Int>,
        _ rest: inout ArraySlice<String>
    ) throws(Invalid) -> Int {
        let text = try value(of: option, &rest)
        guard let number = Int(text), range.contains(number) else {
            throw Invalid(
                "\(option) takes a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    static let help = """
        PosternBench [PART…] [options]
          measures the gateway as it is built, on loopback and a real disk, beside its peers

        parts (all of them)
          http     durable POST /v1/messages of 1 KB at 1, 16, 64 and 256 connections,
                   beside what SQLite alone commits of the same rows
          get      GET /v1/messages/{id} at 64 connections, beside nginx's `return 202`
          smtp     messages of 4 KB accepted over SMTP, 20 sessions, beside Postfix
          relay    messages accepted and handed on to a sink, beside Postfix
          routes   messages handed on over 1,000 routes, all alive and with one dead
          queue    starting, memory and accepting with a million messages queued
          memory   resident at rest, and while 40 messages of 20 MB pass
          raw      the disk's fdatasync, and SQLite's group commit at several sizes

        options
          --seconds N      how long a run lasts (4)
          --runs N         how often each is repeated; the median counts (3)
          --queued N       how many messages wait in the part queue (1000000)
          --directory DIR  where data is written; must be on a disk, not in memory
                           ($TMPDIR, /var/tmp or /tmp, whichever is on one)
          --no-peers       leaves out nginx, Postfix, smtp-source, smtp-sink and wrk
          --help           this text

        Peers are measured when they are installed: nginx, postfix (as root), wrk.
        The exit status is 0 only when every run was valid: each request answered as it must
        be, each message arrived. Build with: swift build -c release --static-swift-stdlib
        """
}
