import Mail

@testable import Policy

/// Short words for what these tests say often. A text that is none of its kind is a test's mistake.
extension Mailbox {
    init(_ address: String) {
        guard let mailbox = try? Mailbox(parsing: address) else { fatalError(address) }
        self = mailbox
    }
}

extension ReversePath {
    init(_ address: String) {
        self = address.isEmpty ? .null : .mailbox(Mailbox(address))
    }
}

func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { fatalError(text) }
    return address
}

func range(_ text: String) -> AddressRange {
    guard let range = AddressRange(text) else { fatalError(text) }
    return range
}

func bindings(_ texts: [String]) -> [Binding] {
    texts.map { text in
        guard let binding = Binding(text) else { fatalError(text) }
        return binding
    }
}

func domain(_ text: String) -> DomainPattern {
    guard let pattern = DomainPattern(text) else { fatalError(text) }
    return pattern
}

func pattern(_ text: String) -> AddressPattern {
    guard let pattern = AddressPattern(text) else { fatalError(text) }
    return pattern
}

func smtp(
    _ name: String = "C",
    at places: [String] = ["0.0.0.0:25"],
    from ranges: [String] = [],
    _ change: (inout ReceiveConnector) -> Void = { _ in }
) -> ReceiveConnector {
    var connector = ReceiveConnector(name: name, door: .smtp, bindings: bindings(places))
    connector.remoteRanges = ranges.map(range)
    connector.permissionGroups = [.anonymous]
    change(&connector)
    return connector
}

func route(
    _ name: String,
    _ spaces: [String],
    _ change: (inout SendConnector) -> Void = { _ in }
) -> SendConnector {
    var connector = SendConnector(name: name, addressSpaces: spaces.map(domain))
    change(&connector)
    return connector
}

func rules(
    _ connectors: [ReceiveConnector] = [],
    accepting domains: [String] = ["corp.example", "*.lab.example"],
    by routes: [SendConnector] = [route("Internet", ["*"])]
) -> Rulebook {
    Rulebook(
        receiveConnectors: connectors,
        acceptedDomains: domains.map { AcceptedDomain(domain: domain($0), kind: .authoritative) },
        sendConnectors: routes
    )
}

func applicant(
    _ name: String = "backup",
    mayRelay: Bool = false,
    senders: [String] = [],
    recipients: [String] = []
) -> Applicant {
    Applicant(
        id: ApplicationID(high: 1, low: 1),
        name: name,
        mayRelay: mayRelay,
        senders: senders.map(pattern),
        recipients: recipients.map(pattern)
    )
}

func client(
    _ principal: Principal = .anonymous,
    at connector: ReceiveConnector = smtp(),
    isSecure: Bool = false
) -> Client {
    Client(
        connector: connector,
        peer: ip("192.0.2.9"),
        principal: principal,
        isSecure: isSecure
    )
}

extension Principal {
    static func app(
        mayRelay: Bool = false,
        senders: [String] = [],
        recipients: [String] = []
    ) -> Principal {
        .application(applicant(mayRelay: mayRelay, senders: senders, recipients: recipients))
    }
}

extension Reply {
    /// As it goes over the wire.
    var line: String { "\(code) \(enhanced) \(text)" }
}

/// SplitMix64: the same dice on every run.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    mutating func some<Element>(_ counts: ClosedRange<Int>, of elements: [Element]) -> [Element] {
        let count = Int.random(in: counts, using: &self)
        return Array(elements.shuffled(using: &self).prefix(count))
    }

    /// True once in `sides` throws.
    mutating func hits(_ sides: Int) -> Bool { Int.random(in: 1...sides, using: &self) == 1 }
}
