import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("What a resolver knows by itself")
    struct ResolverMemoryTests {
        @Test("an answer holds for its TTL, a no briefly, and one without a TTL not at all")
        func cache() async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { query in
                    switch query.name {
                    case "long.test": .records(.address("", "192.0.2.1"))
                    case "short.test": .records(.address("", "192.0.2.1", ttl: 0))
                    case "failing.test": .code(2)
                    default: .code(3)
                    }
                }
                defer { server.stop() }
                let resolver = Resolver(servers: [server.address], attempts: 1, hostsFile: nil)
                for name in ["long.test", "short.test", "missing.test", "failing.test"] {
                    for _ in 0..<3 { _ = await resolver.outcome(of: name) }
                }
                let asked = server.asked.value.filter { $0.type == 1 }.map(\.name)
                func count(_ name: String) -> Int { asked.count { $0 == name } }
                #expect(count("long.test") == 1 && count("missing.test") == 1)
                #expect(count("short.test") == 3 && count("failing.test") == 3)
            }
        }

        @Test("a finding ends with its time, and the cache is bounded")
        func expiry() throws {
            var cache = DNSCache(limit: 100)
            let start = Instant(nanoseconds: 0)
            for number in 0..<1_000 {
                let question = try #require(DNSQuestion("n\(number).test", .address4))
                let end = Duration.seconds(number < 500 ? 10 : 100)
                cache.keep(DNSFinding(.failure(.noData)), for: question, lifetime: end, at: start)
                #expect(cache.finding(for: question, at: start)?.records == .failure(.noData))
                #expect(cache.finding(for: question, at: start + end) == nil)
                #expect(cache.count <= 100)
            }
            let other = try #require(DNSQuestion("n999.test", .address6))
            #expect(cache.finding(for: other, at: start) == nil)
        }

        @Test("hosts come first, and are read again when they change")
        func hosts() async throws {
            try await withLoops { loops in
                let server = try ScriptedDNSServer(on: loops) { _ in .code(3) }
                defer { server.stop() }
                let path = TestFiles.write("192.0.2.5 Relay relay.test # ours\n", "hosts")
                let resolver = Resolver(servers: [server.address], hostsFile: path)
                #expect(await resolver.outcome(of: "RELAY.test.") == .success(["192.0.2.5"]))
                #expect(await resolver.outcome(of: "localhost") == .success(["127.0.0.1", "::1"]))
                #expect(await resolver.outcome(of: "ours") == .failure(.noSuchName))
                _ = TestFiles.write("192.0.2.66 relay.test\n::1 relay.test\n", "hosts")
                await loops.all[0].sleep(for: .milliseconds(1_010))
                #expect(
                    await resolver.outcome(of: "relay.test") == .success(["192.0.2.66", "::1"])
                )
            }
        }

        @Test("resolv.conf as people write it")
        func configuration() {
            let text = """
                # by hand
                search corp.example
                nameserver 192.0.2.53
                nameserver\t2001:db8::53
                nameserver nonsense
                options ndots:5 timeout:2 attempts:9 rotate
                """
            let found = ResolverConfiguration(parsing: text)
            #expect(found.servers.map(\.description) == ["192.0.2.53:53", "[2001:db8::53]:53"])
            #expect(found.timeout == .seconds(2) && found.attempts == 5)
            #expect(
                ResolverConfiguration(parsing: "").servers.map(\.description) == ["127.0.0.1:53"]
            )
        }

        @Test("random and cut answers are survived", arguments: 1...40)
        func garbage(_ seed: UInt64) throws {
            let question = try #require(DNSQuestion("x.test", .mailExchanger))
            let reply = DNSReply(
                records: [
                    .alias("", "y.test"), .mailExchanger("y.test", 10, "mx.test"),
                    .address("mx.test", "192.0.2.1"), .address("mx.test", "2001:db8::1"),
                ],
                negativeTTL: 30
            )
            let whole = reply.octets(answering: DNSQuery(name: "x.test", type: 15, id: 7))
            let good = try #require(DNSAnswerParser.parse(whole, to: question, id: 7))
            #expect(good.records.count == 4 && good.negativeTTL == 30)
            for cut in 0..<whole.count {
                #expect(DNSAnswerParser.parse(Array(whole[..<cut]), to: question, id: 7) == nil)
            }
            var random = SeededGenerator(state: seed)
            for _ in 0..<300 {
                var broken = whole
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let place = Int.random(in: 2..<broken.count, using: &random)
                    broken[place] = .random(in: 0...255, using: &random)
                }
                let found = DNSAnswerParser.parse(broken, to: question, id: 7)
                #expect((found?.records.count ?? 0) <= 65_535)
            }
        }

        @Test("a name that points to itself ends")
        func pointerLoop() throws {
            let question = try #require(DNSQuestion("x.test", .alias))
            var octets: [UInt8] = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
            octets += [1, 120, 4, 116, 101, 115, 116, 0, 0, 5, 0, 1]
            octets += [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, UInt8(octets.count + 12)]
            #expect(DNSAnswerParser.parse(octets, to: question, id: 7) == nil)
        }
    }
}
