import Testing

@testable import Net

extension NetTests {
    @Suite("Names become addresses")
    struct ResolverTests {
        /// What a script's answers look like to a caller.
        private func addresses(
            of host: String = "x.test",
            attempts: Int = 2,
            within limit: Duration = .seconds(5),
            _ script: @escaping @Sendable (DNSQuery) -> [DNSReply]
        ) async throws -> (Result<[String], ResolverError>, [DNSQuery]) {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops, script)
                defer { server.stop() }
                let resolver = Resolver(
                    servers: [server.address],
                    timeout: .milliseconds(80),
                    attempts: attempts,
                    hostsFile: nil
                )
                return (await resolver.outcome(of: host, within: limit), server.asked.value)
            }
        }

        @Test("both families, IPv4 first, the question echoed in any case")
        func both() async throws {
            let (found, asked) = try await addresses(of: "X.Test.") { query in
                query.type == 1
                    ? .records(.address("", "192.0.2.1"), .address("X.TEST", "192.0.2.2"))
                    : .records(.address("", "2001:db8::1"))
            }
            #expect(found == .success(["192.0.2.1", "192.0.2.2", "2001:db8::1"]))
            #expect(asked.map(\.name) == ["x.test", "x.test"] && asked.allSatisfy(\.hasEDNS))
        }

        @Test("aliases are followed within one answer, and by asking again where it stops")
        func aliases() async throws {
            let (found, asked) = try await addresses { query in
                switch (query.name, query.type) {
                case ("x.test", 1):
                    .records(
                        .address("c.test", "192.0.2.9"),
                        .alias("", "b.test"),
                        .alias("b.test", "c.test")
                    )
                case ("x.test", 28): .records(.alias("", "d.test"))
                case ("d.test", 28): .records(.address("", "2001:db8::d"))
                default: .silence
                }
            }
            #expect(found == .success(["192.0.2.9", "2001:db8::d"]))
            #expect(asked.count == 3)
        }

        @Test("aliases in a circle end")
        func circle() async throws {
            let (found, asked) = try await addresses { query in
                query.name == "x.test"
                    ? .records(.alias("", "y.test")) : .records(.alias("", "x.test"))
            }
            #expect(found == .failure(.serverFailure))
            #expect(asked.count < 20)
        }

        @Test("what does not fit comes over TCP")
        func truncation() async throws {
            let (found, asked) = try await addresses { query in
                if query.type != 1 { return .code(0) }
                if query.isTCP { return .records(.address("", "192.0.2.7")) }
                return [DNSReply(records: [.address("", "192.0.2.66")], isTruncated: true)]
            }
            #expect(found == .success(["192.0.2.7"]))
            #expect(asked.contains { $0.isTCP })
        }

        @Test("a wrong number or another question is no answer; the right one behind it is")
        func strays() async throws {
            let (found, asked) = try await addresses { query in
                if query.type != 1 { return .code(0) }
                let lie = DNSReply.Record.address("", "192.0.2.66")
                return [
                    DNSReply(records: [lie], hasWrongID: true),
                    DNSReply(records: [lie], wrongQuestion: "y.test"),
                    DNSReply(records: [.address("", "192.0.2.1")]),
                ]
            }
            #expect(found == .success(["192.0.2.1"]))
            #expect(asked.count == 2)
        }

        static let failures: [(UInt8, ResolverError, Int)] = [
            (0, .noData, 2), (2, .serverFailure, 4), (3, .noSuchName, 2), (5, .serverFailure, 4),
        ]
        @Test(
            "each kind of no has its name, and only a doubtful one is asked again",
            arguments: failures
        )
        func refusals(_ code: UInt8, _ expected: ResolverError, _ questions: Int) async throws {
            let (found, asked) = try await addresses { _ in .code(code) }
            #expect(found == .failure(expected))
            #expect(asked.count == questions)
        }

        @Test("one family's trouble does not hide the other's addresses, nor pass for a no")
        func half() async throws {
            let (good, _) = try await addresses { query in
                query.type == 1 ? .records(.address("", "192.0.2.1")) : .code(2)
            }
            #expect(good == .success(["192.0.2.1"]))
            let (doubtful, _) = try await addresses { query in .code(query.type == 1 ? 0 : 2) }
            #expect(doubtful == .failure(.serverFailure))
        }

        @Test("a lost question is asked again, from another port under another number")
        func retry() async throws {
            let lost = Shared(0)
            let (found, asked) = try await addresses { query in
                if query.type != 1 { return .code(0) }
                lost.change { $0 += 1 }
                return lost.value == 1 ? .silence : .records(.address("", "192.0.2.1"))
            }
            #expect(found == .success(["192.0.2.1"]))
            let tries = asked.filter { $0.type == 1 }
            #expect(tries.count == 2)
            #expect(Set(tries.map(\.port)).count == 2 && Set(tries.map(\.id)).count == 2)
        }

        @Test("silence is given up after all attempts, or when the caller's time is over")
        func silence() async throws {
            let (found, asked) = try await addresses { _ in .silence }
            #expect(found == .failure(.timedOut))
            #expect(asked.count == 4)
            let (early, few) = try await addresses(within: .milliseconds(20)) { _ in
                .silence
            }
            #expect(early == .failure(.timedOut))
            #expect(few.count == 2)
        }

        @Test("a server that knows no EDNS is asked without")
        func noEDNS() async throws {
            let (found, _) = try await addresses { query in
                if query.hasEDNS { return .code(1) }
                return query.type == 1 ? .records(.address("", "192.0.2.1")) : .code(0)
            }
            #expect(found == .success(["192.0.2.1"]))
        }

        @Test("a dead server is passed over")
        func deadServer() async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { _ in
                    .records(.address("", "192.0.2.1"))
                }
                defer { server.stop() }
                let dead = try Listener(loopback)
                dead.stop()
                let resolver = Resolver(servers: [dead.local, server.address], hostsFile: nil)
                #expect(await resolver.outcome(of: "x.test") == .success(["192.0.2.1"]))
            }
        }

        @Test("exchangers come in the order of preference")
        func exchangers() async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { query in
                    switch query.name {
                    case "null.test": .records(.mailExchanger("", 0, ""))
                    case "none.test": .code(0)
                    default:
                        .records(
                            .mailExchanger("", 20, "B.test"),
                            .mailExchanger("", 10, "a.test"),
                            .address("a.test", "192.0.2.1"),
                            .mailExchanger("", 30, "c.test")
                        )
                    }
                }
                defer { server.stop() }
                let resolver = Resolver(servers: [server.address], hostsFile: nil)
                let found = try await resolver.mailExchangers(of: "x.test")
                #expect(found.ranked.map(\.host) == ["a.test", "b.test", "c.test"])
                #expect(found.ranked.map(\.preference) == [10, 20, 30])
                let null = try await resolver.mailExchangers(of: "null.test")
                #expect(null.ranked.map(\.host) == [""])
                #expect(try await resolver.mailExchangers(of: "none.test").ranked.isEmpty)
            }
        }

        @Test("texts are joined, and a record cut short is no answer")
        func texts() async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { query in
                    query.name == "x.test"
                        ? .records(.text("", ["v=STSv1; ", "id=1"]), .text("", ["other"]))
                        : .code(3)
                }
                defer { server.stop() }
                let resolver = Resolver(servers: [server.address], hostsFile: nil)
                #expect(try await resolver.texts(of: "x.test") == ["v=STSv1; id=1", "other"])
                #expect(try await resolver.texts(of: "none.test").isEmpty)
            }
        }

        @Test(
            "what a server calls authentic is secure where it is trusted, and nowhere else",
            arguments: [true, false],
            [true, false]
        )
        func authentic(isValidating: Bool, isAuthentic: Bool) async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { query in
                    let records: [DNSReply.Record] =
                        switch query.type {
                        case 15: [.mailExchanger("", 1, "mx.test")]
                        case 1: [.address("", "192.0.2.1")]
                        case 52 where query.name == "_25._tcp.mx.test":
                            [.authentication("", [3, 1, 1] + [UInt8](repeating: 7, count: 32))]
                        default: []
                        }
                    let noData = records.isEmpty ? UInt32(60) : nil
                    return [
                        DNSReply(records: records, negativeTTL: noData, isAuthentic: isAuthentic)
                    ]
                }
                defer { server.stop() }
                let resolver = Resolver(
                    servers: [server.address],
                    isValidating: isValidating,
                    hostsFile: nil
                )
                let isSecure = isValidating && isAuthentic
                #expect(try await resolver.mailExchangers(of: "x.test").isSecure == isSecure)
                #expect(try await resolver.addresses(of: "mx.test").isSecure == isSecure)
                let found = try await resolver.authentications(of: "mx.test", port: 25)
                #expect(found?.map(\.usage) == (isSecure ? [3] : nil))
                let none = try await resolver.authentications(of: "other.test", port: 25)
                #expect(none?.count == (isSecure ? 0 : nil))
                #expect(server.asked.value.allSatisfy { $0.asksForProof == isValidating })
            }
        }

        static let impossible = [
            "", ".", "a..b", "a b.test", "ä.test", String(repeating: "x", count: 64),
        ]
        @Test("what is no name is not asked", arguments: impossible)
        func impossibleNames(_ name: String) async throws {
            let (found, asked) = try await addresses(of: name) { _ in .code(0) }
            #expect(found == .failure(.noSuchName))
            #expect(asked.isEmpty)
        }

        static let literals: [(String, String)] = [
            ("192.0.2.1", "192.0.2.1"), ("[192.0.2.1]", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ]
        @Test("an address is its own answer", arguments: literals)
        func literal(_ text: String, _ expected: String) async throws {
            let (found, asked) = try await addresses(of: text) { _ in .code(3) }
            #expect(found == .success([expected]))
            #expect(asked.isEmpty)
        }
    }
}

extension Resolver {
    func outcome(
        of host: String,
        within limit: Duration = .seconds(5)
    ) async -> Result<[String], ResolverError> {
        do throws(ResolverError) {
            return .success(try await addresses(of: host, within: limit).ips)
        } catch {
            return .failure(error)
        }
    }
}
