import Testing

@testable import Gateway

@Suite("Prometheus text")
struct MetricsTests {
    @Test("a series has its help, its type and a line for each sample")
    func series() {
        let series = PrometheusSeries(
            "postern_x",
            .gauge,
            "What x is.",
            [.init(["route": "Exchange", "status": "queued"], 3), .init([:], 0.5)]
        )
        #expect(
            series.text == """
                # HELP postern_x What x is.
                # TYPE postern_x gauge
                postern_x{route="Exchange",status="queued"} 3
                postern_x 0.5

                """
        )
    }

    @Test("labels are escaped: a route's name cannot forge a line")
    func escaping() {
        let series = PrometheusSeries("m", .counter, "h", [.init(["a": "x\"} 1\nm{b=\"\\"], 1)])
        #expect(series.text.hasSuffix(#"m{a="x\"} 1\nm{b=\"\\"} 1"# + "\n"))
        #expect(series.text.split(separator: "\n").count == 3)
    }

    @Test("what happened is counted, by door and kind")
    func counting() {
        let metrics = Metrics()
        metrics.count(.http, status: 202)
        metrics.count(.http, status: 299)
        metrics.count(.smtp, status: 550)
        metrics.countAccepted(3, .smtp)
        metrics.countRefused(.http)
        metrics.countFailedLogon()
        metrics.countOutcome("relayed")
        metrics.countOutcome("nonsense")
        let lines = Set(metrics.text([]).split(separator: "\n").map(String.init))
        for line in [
            "postern_responses_total{door=\"http\",class=\"2xx\"} 2",
            "postern_responses_total{door=\"smtp\",class=\"5xx\"} 1",
            "postern_responses_total{door=\"smtp\",class=\"2xx\"} 0",
            "postern_messages_accepted_total{door=\"smtp\"} 3",
            "postern_messages_accepted_total{door=\"http\"} 0",
            "postern_messages_refused_total{door=\"http\"} 1", "postern_failed_logons_total 1",
            "postern_delivery_outcomes_total{status=\"relayed\"} 1",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(!lines.contains { $0.contains("nonsense") })
    }

    @Test("the whole text is well formed: each metric is introduced once, before its samples")
    func form() throws {
        let gauge = PrometheusSeries(
            "postern_queue",
            .gauge,
            "Waiting.",
            [.init(["route": "a"], 1)]
        )
        var introduced: Set<Substring> = []
        for line in Metrics().text([gauge]).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "#" {
                if words[1] == "TYPE" { #expect(introduced.insert(words[2]).inserted) }
                #expect(["HELP", "TYPE"].contains(words[1]))
            } else {
                let name = try #require(line.split(whereSeparator: { "{ ".contains($0) }).first)
                #expect(introduced.contains(name))
                #expect(Double(try #require(words.last)) != nil)
            }
        }
    }

    @Test("a status outside of 1 to 5 hundred does no harm", arguments: [-1, 0, 99, 600, 9999])
    func strangeStatus(status: Int) {
        let metrics = Metrics()
        metrics.count(.http, status: status)
        #expect(metrics.text([]).contains("postern_responses_total"))
    }
}
