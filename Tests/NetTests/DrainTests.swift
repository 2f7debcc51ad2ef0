import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("A drain ends what is idle and lets work go on")
    struct DrainTests {
        @Test("only idle waits are woken")
        func onlyIdle() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                let ends = Shared<[String]>([])
                listener.start(on: loops) { connection in
                    guard let kind = try? await connection.receiveText() else { return }
                    let (error, _) = await failure {
                        let words = try await connection.receive(
                            within: .seconds(10),
                            idle: kind == "idle"
                        ) { [UInt8](copying: $0) }
                        ends.change { $0.append("\(kind) \(words?.count ?? -1)") }
                    }
                    if let error { ends.change { $0.append("\(kind) \(error)") } }
                }
                let idle = try await Connection.connect(to: listener.local, within: .seconds(5))
                let busy = try await Connection.connect(to: listener.local, within: .seconds(5))
                try await idle.send("idle")
                try await busy.send("busy")
                await loops.all[0].sleep(for: .milliseconds(50))
                loops.drain()
                #expect(await eventually { ends.value == ["idle shutting down"] })
                try await busy.send("work")
                #expect(await eventually { ends.value.last == "busy 4" })
            }
        }

        @Test("while draining, what has arrived is still delivered before the end")
        func arrivedBefore() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops) { connection in
                    try? await connection.send("last words")
                    _ = try? await connection.receiveText()
                }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                await loops.all[0].sleep(for: .milliseconds(50))
                loops.drain()
                let words = try await connection.receive(within: .seconds(5), idle: true) {
                    $0.count
                }
                #expect(words == 10)
                let (error, _) = await failure {
                    _ = try await connection.receive(within: .seconds(5), idle: true) { $0.count }
                }
                #expect(error == .draining)
            }
        }

        @Test("a shutdown ends every wait and every sleep, and the threads")
        func shutdown() async throws {
            let ends = Shared<[String]>([])
            let loops = EventLoops(count: 1)
            let listener = try Listener(loopback)
            listener.start(on: loops) { connection in
                let (error, _) = await failure { _ = try await connection.receiveText() }
                ends.change { $0.append("\(error?.description ?? "none")") }
            }
            loops.all[0].start {
                let isOver = await loops.all[0].sleep(for: .seconds(60))
                ends.change { $0.append("slept \(isOver)") }
            }
            loops.all[0].schedule(after: .seconds(60)) { ends.change { $0.append("timer") } }
            await loops.all[0].run {
                let held = try? await Connection.connect(to: listener.local, within: .seconds(5))
                await loops.all[0].sleep(for: .milliseconds(50))
                held?.close()
                _ = try? await Connection.connect(to: listener.local, within: .seconds(5))
                loops.all[0].start { [local = listener.local] in
                    let waiting = try? await Connection.connect(to: local, within: .seconds(5))
                    let (error, _) = await failure { _ = try await waiting?.receiveText() }
                    ends.change { $0.append("client \(error?.description ?? "none")") }
                }
                await loops.all[0].sleep(for: .milliseconds(50))
            }
            let clock = ContinuousClock()
            let taken = clock.measure { loops.shutDown() }
            #expect(taken < .seconds(2))
            #expect(ends.value.contains("slept false"))
            #expect(ends.value.contains("client connection closed"))
            #expect(!ends.value.contains("timer"))
            #expect(loops.connectionCount == 0)
        }

        @Test("a stopped listener frees its address at once; its connections go on")
        func stopping() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                listener.start(on: loops, serve: echo)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                try await connection.send("one")
                #expect(try await connection.receiveText() == "one")
                listener.stop()
                listener.stop()
                let successor = try Listener(listener.local)
                successor.start(on: loops, serve: echo)
                defer { successor.stop() }
                try await connection.send("two")
                #expect(try await connection.receiveText() == "two")
                let second = try await Connection.connect(to: listener.local, within: .seconds(5))
                try await second.send("three")
                #expect(try await second.receiveText() == "three")
            }
        }
    }
}
