import Synchronization

/// Why a name led nowhere. The first two are the domain's own answer, the others may pass.
package enum ResolverError: Error, Equatable, Sendable {
    /// NXDOMAIN, or no name at all.
    case noSuchName
    /// The name exists without such records.
    case noData
    case serverFailure
    case timedOut

    package var isTemporary: Bool { self == .serverFailure || self == .timedOut }
}

/// Finds addresses and mail exchangers. It asks on the event loop that the caller runs on, and
/// remembers answers for all of them.
package final class Resolver: Sendable {
    private let state: Mutex<State>

    private struct State {
        var configuration: ResolverConfiguration
        var configurationFile: WatchedFile?
        var hosts: HostsFile
        var hostsFile: WatchedFile?
        var cache = DNSCache()

        mutating func refresh() {
            if let text = configurationFile?.changedText() {
                let found = ResolverConfiguration(parsing: text)
                // Other servers may know other answers (a split horizon).
                if found.servers != configuration.servers { cache.removeAll() }
                configuration = found
            }
            if let text = hostsFile?.changedText() { hosts = HostsFile(parsing: text) }
        }
    }

    /// Without `servers`, resolv.conf names them, and their timeout and attempts. `isValidating`: the
    /// servers check DNSSEC, and are believed when they say so.
    package init(
        servers: [SocketAddress]? = nil,
        isValidating: Bool = false,
        timeout: Duration = .seconds(3),
        attempts: Int = 2,
        hostsFile: String? = "/etc/hosts",
        configurationFile: String = "/etc/resolv.conf"
    ) {
        var configuration = ResolverConfiguration()
        configuration.servers = servers ?? []
        configuration.timeout = timeout
        configuration.attempts = max(1, attempts)
        configuration.isValidating = isValidating && servers != nil
        state = Mutex(
            State(
                configuration: configuration,
                configurationFile: servers == nil ? WatchedFile(path: configurationFile) : nil,
                hosts: HostsFile(parsing: ""),
                hostsFile: hostsFile.map { WatchedFile(path: $0) }
            )
        )
    }

    // MARK: Without asking

    static func literal(_ host: String) -> String? {
        var text = Substring(host)
        if text.first == "[", text.last == "]" {
            text = text.dropFirst().dropLast()
            if text.prefix(5).lowercased() == "ipv6:" { text = text.dropFirst(5) }
        }
        return SocketAddress(ip: String(text), port: 0)?.ip
    }

    func localAddresses(of host: String) -> [String]? {
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let known = state.withLock { state in
            state.refresh()
            return state.hosts.addresses[name]
        }
        // Never asked of anyone: RFC 6761 §6.3.
        let isLocal = name == "localhost" || name.hasSuffix(".localhost")
        return known ?? (isLocal ? ["127.0.0.1", "::1"] : nil)
    }
}

// MARK: - Asking

extension Resolver {
    /// Follows aliases: usually the server has already, and one question is enough.
    func find(
        _ name: String,
        _ type: DNSRecordType,
        until deadline: Instant
    ) async -> DNSFinding {
        guard let first = DNSQuestion(name, type) else { return DNSFinding(.failure(.noSuchName)) }
        var question = first
        var isSecure = true
        for _ in 0..<8 {
            var finding = await ask(question, until: deadline)
            isSecure = isSecure && finding.isSecure
            finding.isSecure = isSecure
            guard case .success(let records) = finding.records,
                case .alias(let target) = records.last?.content
            else { return finding }
            guard let next = DNSQuestion(target, type) else {
                return DNSFinding(.failure(.noSuchName))
            }
            question = next
        }
        return DNSFinding(.failure(.serverFailure))  // aliases in a circle
    }

    /// Either records of the type asked for, or one alias that leads on, or why there is neither.
    private func ask(_ question: DNSQuestion, until deadline: Instant) async -> DNSFinding {
        let (known, configuration) = state.withLock { state in
            state.refresh()
            return (state.cache.finding(for: question), state.configuration)
        }
        if let known { return known }
        switch await reply(to: question, configuration, until: deadline) {
        case .failure(let error): return DNSFinding(.failure(error))
        case .success(let answer):
            var (finding, lifetime) = answer.finding(for: question)
            finding.isSecure = answer.isAuthenticated && configuration.isValidating
            state.withLock { $0.cache.keep(finding, for: question, lifetime: lifetime) }
            return finding
        }
    }

    /// Every server in its turn, all of them as often as the configuration says.
    private func reply(
        to question: DNSQuestion,
        _ configuration: ResolverConfiguration,
        until deadline: Instant
    ) async -> Result<DNSAnswer, ResolverError> {
        guard let loop = EventLoop.current else {
            preconditionFailure("a resolver is asked on an event loop")
        }
        var isSilent = true
        for _ in 0..<configuration.attempts {
            for server in configuration.servers {
                let end = min(deadline, Instant.now + configuration.timeout)
                let exchange = DNSExchange(
                    question: question,
                    server: server,
                    loop: loop,
                    asksForProof: configuration.isValidating
                )
                switch await exchange.run(until: end) {
                case .answer(let answer) where answer.code == .good || answer.code == .noSuchName:
                    return .success(answer)
                case .answer, .useless: isSilent = false
                case .silence: break
                }
                if deadline <= .now || loop.isStopping { return .failure(.timedOut) }
            }
        }
        return .failure(isSilent ? .timedOut : .serverFailure)
    }
}

extension DNSAnswer {
    /// What it says about the question, its own aliases followed, and how long that holds.
    func finding(for question: DNSQuestion) -> (DNSFinding, lifetime: Duration) {
        var name = question.name
        var ttl = UInt32(86_400)
        var alias: DNSRecord?
        for _ in 0..<16 {
            let found = records.filter { $0.name == name && $0.content.isA(question.type) }
            if !found.isEmpty {
                let lifetime = Duration.seconds(found.reduce(ttl) { min($0, $1.ttl) })
                return (DNSFinding(.success(found), name: name), lifetime)
            }
            guard let next = records.first(where: { $0.name == name && $0.content.isA(.alias) }),
                case .alias(let target) = next.content
            else { break }
            alias = next
            name = target
            ttl = min(ttl, next.ttl)
        }
        // "There is none" is remembered briefly: a domain being set up should not have to wait.
        let negative = Duration.seconds(min(negativeTTL ?? 5, 60))
        if code == .noSuchName { return (DNSFinding(.failure(.noSuchName)), negative) }
        // An alias whose target the server has not looked up; with a SOA it has, and there is nothing.
        if let alias, negativeTTL == nil { return (DNSFinding(.success([alias])), .seconds(ttl)) }
        return (DNSFinding(.failure(.noData)), negative)
    }
}

extension DNSRecord.Content {
    fileprivate func isA(_ type: DNSRecordType) -> Bool {
        switch self {
        case .address(let ip): type == (ip.utf8.contains(UInt8(ascii: ":")) ? .address6 : .address4)
        case .alias: type == .alias
        case .mailExchanger: type == .mailExchanger
        case .text: type == .text
        case .authentication: type == .authentication
        }
    }
}
