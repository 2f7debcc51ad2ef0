import Glibc
import Net

/// The whole benchmark: measures part by part, then prints the report.
enum Benchmark {
    static func main(_ arguments: [String]) async -> Int32 {
        do throws(Invalid) {
            let options = try Options(arguments)
            guard !options.wantsHelp else {
                print(Options.help)
                return EXIT_SUCCESS
            }
            let bench = try Bench(options)
            defer { bench.loops.shutDown(grace: .seconds(1)) }
            var report = Report(bench)
            let failure = await measure(bench, &report)
            print(report.text)
            if let failure { throw failure }
            return EXIT_SUCCESS
        } catch {
            Progress.say("INVALID: \(error)")
            return EXIT_FAILURE
        }
    }

    /// What was measured before a failure is still shown; the exit status tells.
    private static func measure(_ bench: Bench, _ report: inout Report) async -> Invalid? {
        do throws(Invalid) {
            for part in bench.options.parts {
                Progress.say("\(part.rawValue) …")
                switch part {
                case .http: try await PostMeasurement(bench).run(&report)
                case .get: try await StatusMeasurement(bench).run(&report)
                case .smtp: try await AcceptMeasurement(bench).run(&report)
                case .relay: try await RelayMeasurement(bench).run(&report)
                case .routes: try await RoutesMeasurement(bench).run(&report)
                case .queue: try await QueueMeasurement(bench).run(&report)
                case .memory: try await MemoryMeasurement(bench).run(&report)
                case .raw: try await RawMeasurement(bench).run(&report)
                }
            }
            return nil
        } catch {
            return error
        }
    }
}

/// What all parts share.
struct Bench {
    let options: Options
    let workplace: Workplace
    let loops = EventLoops(count: 2)

    init(_ options: Options) throws(Invalid) {
        self.options = options
        workplace = try Workplace(options.directory)
    }

    /// All load comes from one loop, so that it costs the gateway at most one processor.
    var clients: EventLoop { loops.all[0] }
    /// Where the sink lives.
    var servers: EventLoop { loops.all[1] }

    /// How long a run lasts, from now on.
    var extent: Extent { .lasting(.seconds(options.seconds)) }

    /// The median run of several, by rate.
    func median(
        _ label: String,
        _ run: () async throws(Invalid) -> LoadResult
    ) async throws(Invalid) -> LoadResult {
        var results: [LoadResult] = []
        for _ in 0..<options.runs {
            let result = try await run()
            Progress.say("  \(label): \(Number.grouped(result.rate))/s")
            results.append(result)
        }
        results.sort { $0.rate < $1.rate }
        return results[results.count / 2]
    }

    func peer(_ name: String) -> String? { options.measuresPeers ? Tool.find(name) : nil }
}
