import Net

/// Many clients side by side, each a task on one loop.
enum Crowd {
    typealias Client = @Sendable (Int) async throws(Invalid) -> Latencies

    /// Runs until every client has ended; one that fails makes the whole run invalid.
    static func run(
        _ clients: Int,
        on loop: EventLoop,
        _ client: @escaping Client
    ) async throws(Invalid) -> LoadResult {
        let outcome = await loop.run { () async -> Result<LoadResult, Invalid> in
            let start = Clock.now
            let results = await gather(clients, client)
            let seconds = Clock.seconds(since: start)
            var all = Latencies()
            for result in results {
                switch result {
                case .success(let latencies): all.add(latencies)
                case .failure(let reason): return .failure(reason)
                }
            }
            return .success(LoadResult(all, seconds: seconds))
        }
        return try outcome.get()
    }

    private static func gather(
        _ clients: Int,
        _ client: @escaping Client
    ) async -> [Result<Latencies, Invalid>] {
        await withTaskGroup(of: Result<Latencies, Invalid>.self) { group in
            for number in 0..<clients {
                group.addTask {
                    do throws(Invalid) {
                        return .success(try await client(number))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var results: [Result<Latencies, Invalid>] = []
            for await result in group { results.append(result) }
            return results
        }
    }
}
